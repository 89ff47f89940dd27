/* What pg_restore and psql of PostgreSQL 15 write. */
#include "postgres/restore_errors.h"

#include "base/memory.h"
#include "tests/unit/unit.h"

#define QUERY "pg_restore: error: could not execute query: ERROR:  "

static const struct {
    const char *text;
    bool has_public_schema;
    bool cut;
    size_t harmless, machine, backup;
    const char *message, *place, *command; /* of the first; NULL: there is none */
} texts[] = {
    {"", false, false, 0, 0, 0, NULL, NULL, NULL},
    {"pg_restore: warning: errors ignored on restore: 3\n", false, false, 0, 0, 0, NULL, NULL,
     NULL},
    {"pg_restore: while PROCESSING TOC:\n"
     "pg_restore: from TOC entry 6; 2615 2200 SCHEMA public postgres\n" QUERY
     "schema \"public\" already exists\n"
     "Command was: CREATE SCHEMA public;\n\n\n"
     "pg_restore: warning: errors ignored on restore: 1\n",
     true, false, 1, 0, 0, "could not execute query: ERROR:  schema \"public\" already exists",
     "SCHEMA public postgres", "CREATE SCHEMA public;"},
    {QUERY "schema \"public\" already exists\n", false, false, 0, 0, 1, NULL, NULL, NULL},
    /* Only the server's own complaint is harmless, not one that quotes it. */
    {"pg_restore: error: COPY failed for table \"a\": ERROR:  schema \"public\" already exists\n",
     true, false, 0, 0, 1, NULL, NULL, NULL},
    {QUERY "schema \"public\" already exists in a trigger\n", true, false, 0, 0, 1, NULL, NULL,
     NULL},
    {"pg_restore: while PROCESSING TOC:\n"
     "pg_restore: from TOC entry 2010; 0 16386 TABLE DATA users postgres\n"
     "pg_restore: error: COPY failed for table \"users\": ERROR:  invalid byte sequence for "
     "encoding "
     "\"UTF8\": 0xff\n"
     "CONTEXT:  COPY users, line 3\n",
     false, false, 0, 0, 1,
     "COPY failed for table \"users\": ERROR:  invalid byte sequence for encoding \"UTF8\": 0xff",
     "TABLE DATA users postgres", ""},
    {QUERY "duplicate key value violates unique constraint \"users_pkey\"\n"
           "DETAIL:  Key (id)=(1) already exists.\n",
     false, false, 0, 0, 1,
     "could not execute query: ERROR:  duplicate key value violates unique constraint "
     "\"users_pkey\" (Key (id)=(1) already exists.)",
     "", ""},
    {"pg_restore: error: COPY failed for table \"users\": ERROR:  new row for relation \"users\" "
     "violates check constraint \"adult\"\n"
     "DETAIL:  Failing row contains (1, eve@example.org, 17).\n",
     false, false, 0, 0, 1,
     "COPY failed for table \"users\": ERROR:  new row for relation \"users\" violates check "
     "constraint \"adult\"",
     "", ""},
    {QUERY "relation \"public.users\" does not exist\n", false, false, 0, 0, 1, NULL, NULL, NULL},
    {QUERY "role \"authenticated\" does not exist\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "relation \"role\" is odd: role \"x\" is here\n", false, false, 0, 0, 1, NULL, NULL,
     NULL},
    {QUERY "extension \"postgis\" is not available\n"
           "DETAIL:  Could not open extension control file \"x\": No such file or directory.\n",
     false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "collation \"de_DE\" for encoding \"UTF8\" does not exist\n", false, false, 0, 1, 0,
     NULL, NULL, NULL},
    {"psql:b.sql:48: ERROR:  must be member of role \"app\"\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
    {"psql:b.sql:48: ERROR:  must be able to SET ROLE \"app\"\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
    {QUERY "only superuser can define a leakproof function\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
    {QUERY "relation \"superusers\" does not exist\n", false, false, 0, 0, 1, NULL, NULL, NULL},
    {QUERY "security label provider \"anon\" is not loaded\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
    {QUERY "invalid value for parameter \"default_tablespace\": \"fast\"\n"
           "DETAIL:  Tablespace \"fast\" does not exist.\n",
     false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "directory \"/mnt/fast\" does not exist\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "unrecognized configuration parameter \"transaction_timeout\"\n", false, false, 1, 0, 0,
     NULL, NULL, NULL},
    {QUERY "language \"plpgsql\" already exists\n", false, false, 1, 0, 0, NULL, NULL, NULL},
    {QUERY "extension \"plpgsql\" already exists\n", false, false, 1, 0, 0, NULL, NULL, NULL},
    {QUERY "extension \"plpgsqlx\" already exists\n", false, false, 0, 0, 1, NULL, NULL, NULL},
    {QUERY "must be owner of extension plpgsql\n", false, false, 1, 0, 0, NULL, NULL, NULL},
    {QUERY "must be owner of schema public\n", false, false, 1, 0, 0, NULL, NULL, NULL},
    {QUERY "must be owner of schema publicity\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "must be owner of extension pg_trgm\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "unrecognized configuration parameter \"x.y\"\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
    {QUERY "unrecognized parameter \"pg_attver\"\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "function pg_catalog.pg_restore_relation_stats(unknown, integer) does not exist\n",
     false, false, 0, 1, 0, NULL, NULL, NULL},
    {"psql:b.sql:13: ERROR:  unrecognized configuration parameter \"transaction_timeout\"\n", false,
     false, 0, 1, 0, NULL, NULL, NULL},
    {"psql:b.sql:5: error: invalid command \\restrict\n", false, false, 0, 1, 0, NULL, NULL, NULL},
    {"pg_restore: error: unsupported version (1.16) in file header\n", false, false, 0, 1, 0, NULL,
     NULL, NULL},
    {"pg_restore: error: could not read from input file: end of file\n", false, false, 0, 0, 1,
     NULL, NULL, NULL},
    {"pg_restore: error: input file does not appear to be a valid archive\n", false, false, 0, 0, 1,
     NULL, NULL, NULL},
    {"pg_restore: error: connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: No such "
     "file\n",
     false, false, 0, 1, 0, NULL, NULL, NULL},
    {QUERY "could not extend file \"base/1/2\": No space left on device\n", false, false, 0, 1, 0,
     NULL, NULL, NULL},
    {"pg_restore: error: a complaint that nobody has ever seen\n", false, false, 0, 0, 1, NULL,
     NULL, NULL},
    {"psql:backup.sql:12: ERROR:  relation \"a\" does not exist\n"
     "LINE 1: select * from a;\n"
     "psql:backup.sql:13: NOTICE:  nothing\n"
     "psql:backup.sql:14: error: invalid command \\sleep\n",
     false, false, 0, 0, 2, "ERROR:  relation \"a\" does not exist", "line 12", ""},
    {"psql:b.sql:21: ERROR:  relation \"public.a\" does not exist\n"
     "psql:b.sql:21: STATEMENT:  ALTER TABLE ONLY public.a DROP CONSTRAINT a_pkey;\n",
     false, false, 0, 0, 1, "ERROR:  relation \"public.a\" does not exist", "line 21",
     "ALTER TABLE ONLY public.a DROP CONSTRAINT a_pkey;"},
    {"psql: error: connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: No such file\n",
     false, false, 0, 1, 0,
     "error: connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: No such file", "", ""},
    {"psql:backup.sql:3: ERROR:  schema \"public\" already exists\n", true, false, 1, 0, 0, NULL,
     NULL, NULL},
    {"psql:a:b.sql:7: FATAL:  terminating connection due to administrator command\n", false, false,
     0, 1, 0, "FATAL:  terminating connection due to administrator command", "line 7", ""},
    /* Cut in the middle of a line: what is lost counts as an error of the backup. */
    {QUERY "role \"x\" does not exist\npg_rest", false, true, 0, 1, 1, NULL, NULL, NULL},
    {"", false, true, 0, 0, 1, "more errors than could be read", "", ""},
};

START_TEST(errors_are_read_and_classed)
{
    struct restore_errors errors;
    restore_errors_parse(texts[_i].text, texts[_i].has_public_schema, texts[_i].cut, &errors);
    ck_assert_uint_eq(errors.counts[RESTORE_HARMLESS], texts[_i].harmless);
    ck_assert_uint_eq(errors.counts[RESTORE_MACHINE], texts[_i].machine);
    ck_assert_uint_eq(errors.counts[RESTORE_BACKUP], texts[_i].backup);
    ck_assert_uint_eq(errors.count, texts[_i].harmless + texts[_i].machine + texts[_i].backup);
    if (texts[_i].message) {
        ck_assert_str_eq(errors.items[0].message, texts[_i].message);
        ck_assert_str_eq(errors.items[0].place, texts[_i].place);
        ck_assert_str_eq(errors.items[0].command, texts[_i].command);
    }
    restore_errors_free(&errors);
}
END_TEST

Suite *restore_errors_suite(void)
{
    Suite *suite = suite_create("postgres/restore_errors");
    add_table_test(suite, errors_are_read_and_classed, ARRAY_LENGTH(texts));
    return suite;
}
