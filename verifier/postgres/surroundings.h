/* What a database needs around it and a dump does not hold, or holds for its eyes alone: the roles
 * that own or are granted something in it, and settings of the database and of these roles.
 */
#ifndef POSTGRES_SURROUNDINGS_H
#define POSTGRES_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "postgres/connection.h"

/* ALTER DATABASE ... SET, ALTER ROLE ... SET, or ALTER ROLE ... IN DATABASE ... SET. */
struct setting {
    char *role;       /* "": of the database, or with `of_database` false of all roles */
    bool of_database; /* in this database only */
    char *name;       /* "search_path" */
    char *value;      /* as the server keeps it; NULL: it looks like a secret, and is not told */
};

struct role_around {
    char *name;
    struct strings
        attributes; /* "login", "createdb", ...: that it has beyond what every role has */
    struct strings member_of;
};

struct surroundings {
    struct setting *settings;
    size_t setting_count;
    struct role_around *roles; /* but for postgres and PostgreSQL's own */
    size_t role_count;
};

/* FAULT_MACHINE. */
int surroundings_read(struct connection *connection, struct surroundings *ret_surroundings,
                      struct error *error);

/* Copies the texts; a value that looks like a secret is left out. */
void surroundings_add_setting(struct surroundings *surroundings, const char *role, bool of_database,
                              const char *name, const char *value);
struct role_around *surroundings_add_role(struct surroundings *surroundings, const char *name);
const struct role_around *surroundings_find_role(const struct surroundings *surroundings,
                                                 const char *name);
void surroundings_free(struct surroundings *surroundings); /* takes a zeroed one */

/* The statement that makes the setting again, to be freed by the caller; NULL: its value is not
 * known, or nobody could have set it. `database` is the name of the database. */
char *setting_statement(const struct setting *setting, const char *database);

#endif
