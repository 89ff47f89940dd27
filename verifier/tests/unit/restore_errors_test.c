/* What pg_restore and psql of PostgreSQL 15 write. */
#include "postgres/restore_errors.h"
#include "postgres/restore_reasons.h"

#include <string.h>

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
    {QUERY "could not open file \"/etc/shadow\" for reading: Permission denied\n", false, false, 0,
     1, 0, NULL, NULL, NULL},
    {QUERY "could not write file \"base/1/2\": File too large\n", false, false, 0, 1, 0, NULL, NULL,
     NULL},
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

#define MISSING QUERY "relation \"s\" does not exist\n"
#define PATH    "empty search_path, and the function "

/* What they write, and what the reason says; NULL: none is known. */
static const struct {
    const char *text, *words;
} reasons[] = {
    {MISSING "LINE 1: (select count(*) from s) + i\n                              ^\n"
             "QUERY:  (select count(*) from s) + i\n"
             "CONTEXT:  PL/pgSQL function public.f(integer) line 1 at RETURN\n"
             "Command was: CREATE INDEX t_f_idx ON public.t USING btree (public.f(x));\n",
     PATH "public.f(integer), which an index uses"},
    {QUERY "function low(text) does not exist\nLINE 1: select low(t)\n               ^\n"
           "HINT:  No function matches the given name and argument types. You might need to add "
           "explicit type casts.\nQUERY:  select low(t)\n"
           "CONTEXT:  SQL function \"f\" during inlining\n"
           "Command was: CREATE UNIQUE INDEX t_f_idx ON public.t USING btree (public.f(x));\n",
     PATH "f, which an index uses"},
    {"pg_restore: error: COPY failed for table \"t\": ERROR:  relation \"s\" does not exist\n"
     "CONTEXT:  PL/pgSQL function public.f(integer) line 1 at RETURN\nCOPY t, line 1: \"1\"\n",
     PATH "public.f(integer), which a check or a generated column uses"},
    {MISSING "CONTEXT:  PL/pgSQL function public.f() line 1 at RETURN\n"
             "Command was: REFRESH MATERIALIZED VIEW public.m;\n",
     PATH "public.f(), which a materialized view uses"},
    {"psql:b.sql:80: ERROR:  relation \"s\" does not exist\nLINE 1: (select count(*) from s)\n"
     "QUERY:  (select count(*) from s)\nCONTEXT:  PL/pgSQL function public.f(integer) line 1 at "
     "RETURN\npsql:b.sql:80: STATEMENT:  CREATE INDEX t_f_idx ON public.t USING btree "
     "(public.f(x));\n",
     PATH "public.f(integer), which an index uses"},
    /* Named with its schema it would have been found. */
    {QUERY "relation \"public.s\" does not exist\n"
           "CONTEXT:  PL/pgSQL function public.f() line 1 at RETURN\n",
     NULL},
    {MISSING, NULL},
    {QUERY "insert or update on table \"b\" violates foreign key constraint \"b_x_fkey\"\n"
           "DETAIL:  Key (x)=(1) is not present in table \"a\".\n",
     "Rows refer to rows that are not there"},
    {"pg_restore: error: COPY failed for table \"t\": ERROR:  new row for relation \"t\" violates "
     "check constraint \"t_x_check\"\nCONTEXT:  COPY t, line 1: \"1\"\n",
     "do not meet what the table demands"},
    {QUERY "check constraint \"c\" of relation \"d\" is violated by some row\n", "do not meet"},
    {QUERY "column \"x\" of relation \"d\" contains null values\n", "do not meet"},
    {QUERY "no partition of relation \"p\" found for row\n", "none of the partitions"},
    {QUERY "could not create unique index \"u\"\nDETAIL:  Key (x)=(1) is duplicated.\n",
     "a key twice"},
    {QUERY "duplicate key value violates unique constraint \"u\"\n", "a key twice"},
    {QUERY "functions in index expression must be marked IMMUTABLE\n", "declare it so again"},
    {QUERY "generation expression is not immutable\n", "declare it so again"},
    {QUERY "role \"app\" does not exist\n", "CREATE ROLE"},
    {QUERY "extension \"postgis\" is not available\n", "package of that extension"},
    {QUERY "collation \"xx_XX\" for encoding \"UTF8\" does not exist\n", "locale"},
    {QUERY "tablespace \"fast\" does not exist\n", "--no-tablespaces"},
    {QUERY "language \"plperlu\" does not exist\n", "That language comes from an extension"},
    {QUERY "type \"public.citext\" does not exist\n", "is not in the archive"},
    {QUERY "schema \"o\" does not exist\n", "is not in the archive"},
    {QUERY "operator class \"public.gin_trgm_ops\" does not exist for access method \"gin\"\n",
     "is not in the archive"},
    {QUERY "invalid byte sequence for encoding \"UTF8\": 0xff\n", "no text in the encoding"},
    {QUERY "unrecognized configuration parameter \"event_triggers\"\n", "install the newer one"},
    {QUERY "unrecognized parameter \"foo\"\n", "this one does not"},
    {QUERY "function pg_catalog.pg_restore_relation_stats(text) does not exist\n", "postgresql-18"},
    {QUERY "permission denied for schema public\n", "restore.server"},
    {QUERY "division by zero\n", NULL},
};

START_TEST(a_known_error_has_a_reason)
{
    struct restore_errors errors;
    restore_errors_parse(reasons[_i].text, false, false, &errors);
    ck_assert_uint_eq(errors.count, 1);
    cleanup(free_pointer) char *reason = restore_reason(&errors.items[0]);
    ck_assert_msg(!reason == !reasons[_i].words, "%s: %s", reasons[_i].text, reason);
    if (reason)
        ck_assert_msg(strstr(reason, reasons[_i].words), "%s", reason);
    restore_errors_free(&errors);
}
END_TEST

Suite *restore_errors_suite(void)
{
    Suite *suite = suite_create("postgres/restore_errors");
    add_table_test(suite, errors_are_read_and_classed, ARRAY_LENGTH(texts));
    add_table_test(suite, a_known_error_has_a_reason, ARRAY_LENGTH(reasons));
    return suite;
}
