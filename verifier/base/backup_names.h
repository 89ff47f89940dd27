/* How the files of a backup are named: one pattern, or one for each part of a backup that is a set
 * of files, such as the roles.sql, schema.sql and data.sql of `supabase db dump`.
 *
 * The parts stand in the order in which they are restored.
 */
#ifndef BASE_BACKUP_NAMES_H
#define BASE_BACKUP_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum backup_part {
    PART_WHOLE, /* the backup is one file or directory */
    PART_ROLES, /* roles alone, as of pg_dumpall --roles-only; restored once for the whole server */
    PART_GLOBALS,  /* the same with tablespaces: pg_dumpall --globals-only */
    PART_PLATFORM, /* what a host has in every database, and the other parts build on */
    PART_SCHEMA,
    PART_PRE_DATA,
    PART_DUMP, /* all of a database */
    PART_DATA,
    PART_POST_DATA,
    PART_COUNT,
};

/* Patterns as of strftime. One file: only that of PART_WHOLE; else at least two of the others. NULL
 * where there is none. */
struct backup_names {
    char *patterns[PART_COUNT];
};

/* Of one file. Borrows the pattern. */
struct backup_names backup_names_of(const char *pattern);
bool backup_names_are_a_set(const struct backup_names *names);
size_t backup_names_count(const struct backup_names *names); /* of patterns */
bool backup_names_equal(const struct backup_names *one, const struct backup_names *other);
void backup_names_free(struct backup_names *names); /* what it holds */

/* The part that a set is known by: its records and manifests are named after it. Of several parts
 * the dump, the data, or what is restored last. `has` has a place for each part. */
enum backup_part backup_part_main(const bool has[PART_COUNT]);

/* "roles" ... "post_data", as scenarios name it; "backup" for the whole. Static. */
const char *backup_part_name(enum backup_part part);

/* Which part a file in the directory of a set is: data.sql.gz, pre-data.dump, roles.sql.
 * PART_COUNT: none. */
enum backup_part backup_part_of_file(const char *name);

/* Is it about roles and the like, which belong to a whole server? */
bool backup_part_is_of_server(enum backup_part part);

#endif
