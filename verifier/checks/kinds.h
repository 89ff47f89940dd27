/* The kinds of checks, one file each; plan.c arranges them. Every function here is a `look`: see
 * struct check. Its parameter is the `struct table_expectation` or the `struct query`, or NULL. */
#ifndef CHECKS_KINDS_H
#define CHECKS_KINDS_H

#include "base/buffer.h"
#include "checks/checks.h"

/* One expectation about one table. */
struct table_expectation {
    const char *table; /* as the scenario names it */
    const struct expectation *expectation;
};

look_function backup_is_recent;
look_function backup_is_intact;
look_function backup_restores;
look_function every_table_has_its_rows;
look_function every_object_is_there;
look_function contents_are_identical;
look_function indexes_and_tables_are_sound;
look_function would_come_back;  /* at restore.target */
look_function alembic_revision; /* its parameter is a struct alembic_expectation */
look_function schema_expected;  /* its parameter is a struct schema_expectation */
look_function grants_expected;  /* likewise */
look_function migrations_state; /* its parameter is a struct migrations_expectation */
/* The parameter of these is a struct table_expectation. */
look_function table_row_count;
look_function table_same_as_dump;
look_function table_change;
look_function table_trend;
look_function table_freshness;
/* The parameter of this one is a struct query. */
look_function query_result;

/* The parameter of these is a struct expectation. */
look_function objects_number;
look_function objects_change;
look_function objects_trend;
look_function objects_same_as_copy;
look_function objects_missing;
look_function objects_orphaned;

/* The parameter of these is a struct expectation, of the run itself. */
look_function run_number;
look_function run_trend;

/* Lets the check look at its `database` alone. */
void look_at_database(const struct check *check, const struct subject *subject,
                      struct outcome *outcome);

/* Databases that the last backup that verified held and this one does not, in words that the caller
 * frees; NULL when there are none, or `databases: all` is not asked for. */
char *databases_lost(const struct subject *subject);

/* Makes an error of the failure of a comparison with the archive, where statements that were
 * appended to it may have made the difference. */
void blame_appended(const struct subject *subject, struct outcome *outcome);

/* Makes an error of it where the server is older than the backup asks for, which may be to blame.
 */
void blame_server(const struct subject *subject, struct outcome *outcome);

/* Says what does not hold: a failure, or a warning where the scenario says `warn:`. */
void disagree(const struct expectation *expectation, const char *words, struct outcome *outcome);

/* A measured number against the last backup that verified. */
struct change {
    const char *value_name; /* under which it is recorded among the measured values */
    const char *unit;       /* "rows" */
    int64_t now;
    int64_t before;
    bool has_before;
};
void change_judge(const struct subject *subject, const struct expectation *expectation,
                  const struct change *change, struct outcome *outcome);

/* Warns that there is nothing to compare `now` with: there was no earlier backup that verified, or
 * something is not known of it, such as "its rows are". */
void warn_of_no_previous(const struct subject *subject, const char *now, const char *unknown,
                         struct outcome *outcome);

/* A restored table: its name as it is stored, and its rows with those of its children. */
struct restored {
    char *schema;
    char *name;
    int64_t rows;
    bool is_table; /* not a view, materialized view or foreign table */
};
/* Counts the table that the scenario names so. -1: the outcome says why not. */
int restored_count(const struct subject *subject, const char *table, struct restored *ret_restored,
                   struct outcome *outcome);
void restored_free(struct restored *restored); /* what it holds */

/* What the manifest says against the backup, as details and as one sentence in `words`; true when
 * it says nothing. */
bool manifest_agrees(const struct subject *subject, struct outcome *outcome, struct buffer *words);

/* The objects of the table of contents against the manifest, as a verdict. */
void schema_same_as_dump(const struct subject *subject, struct outcome *outcome);

/* Tells, as details, where texts are ordered by another version than in the source, as far as the
 * manifest knows that. */
void order_of_texts_tell(const struct subject *subject, struct outcome *outcome);

/* Puts into `words` which files of a set may have been cut off unseen, and what would tell; true
 * when there is none. */
bool ends_are_known(const struct subject *subject, struct buffer *words);

#endif
