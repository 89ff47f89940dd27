/* A scenario file as validated plain data: what is expected of the backups of one database.
 *
 * The file is YAML 1.1 as libyaml reads it; README.md documents every key. ${NAME} and
 * ${NAME:-default} are replaced inside values after parsing. A scenario that loads is complete:
 * every default is filled in and every value has been checked, so nothing above this layer
 * validates again.
 */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backup_names.h"
#include "base/host_kind.h"
#include "base/memory.h"
#include "scenario/expectation.h"

enum alembic_version { ALEMBIC_ANY, ALEMBIC_REVISIONS, ALEMBIC_HEAD, ALEMBIC_KNOWN };

struct table_expectations {
    char *table; /* "users" or "public.reports", as written */
    struct expectation *expectations;
    size_t count;
    struct mark mark;
};

struct query {
    char *name;
    char *sql;
    struct expectation expect;
    struct mark mark;
};

/* Where a bucket's store is and as whom it is asked. What is NULL is looked for in the environment.
 */
struct store_access {
    char *endpoint;
    char *region;
    char *access_key;
    char *secret_key;
};

struct objects {
    bool present; /* the scenario has an `objects` section */
    char *bucket; /* s3://... or a directory */
    struct store_access access;
    char *copy;
    struct expectation *checks;
    size_t check_count;
    struct mark mark;
};

/* All strings are owned by the scenario; NULL where the file says nothing and there is no default.
 */
struct scenario {
    char *path;
    char *name;
    struct {
        enum host_kind host;
        char *database; /* libpq URL, key=value string, or SQLAlchemy URL; may hold a password */
        char *root_certificate; /* a file: TLS is verified with it */
        bool no_counts;         /* `counts: none`: a dump does not count the rows of its tables */
    } source;
    struct {
        char *location; /* a directory, or s3://bucket/prefix */
        struct store_access access;
        struct backup_names names; /* of their files */
        int64_t max_age_s;         /* 0: no limit given */
        int64_t keep_s;            /* 0: none given */
        struct mark mark;
    } backups;
    struct {
        char *server; /* NULL: a throwaway server */
        int jobs;     /* 0: the number of processors */
        int64_t timeout_ms;
        struct strings exclude;
        bool contents; /* compare the contents of every table */
    } restore;
    struct {
        bool present;
        enum alembic_version version;
        struct strings revisions; /* for ALEMBIC_REVISIONS */
        char *migrations;         /* directory, for ALEMBIC_HEAD and ALEMBIC_KNOWN */
        struct mark mark;
    } alembic;
    struct table_expectations *tables;
    size_t table_count;
    struct query *queries;
    size_t query_count;
    struct objects objects;
};

/* Loads and validates a file. On -1 every problem of the file has been added to `problems`, one
 * line each: "FILE:LINE:COLUMN: what is wrong" (a file that cannot be read: "FILE: why"). Relative
 * directories in the file are taken from the current directory, as a shell would. */
int scenario_load(const char *path, struct scenario **ret_scenario, struct strings *problems);
void scenario_free(struct scenario *scenario); /* takes NULL */
void scenario_freep(struct scenario **scenario);

#endif
