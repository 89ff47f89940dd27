#include "archive/plain/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* Feeds in blocks of `block` bytes, each in memory of its own so that a read beyond it is seen. */
static int parse(const char *text, size_t length, size_t block, bool fragment,
                 struct plain_totals **totals, struct error *error)
{
    cleanup(plain_freep) struct plain *plain =
        fragment ? plain_new_fragment(true) : plain_new(true);
    for (size_t at = 0; at < length; at += block) {
        size_t size = length - at < block ? length - at : block;
        cleanup(free_pointer) char *copy = xmalloc(size);
        memcpy(copy, text + at, size);
        if (plain_feed(plain, copy, size, error) < 0)
            return -1;
    }
    return plain_finish(plain, totals, error);
}

/* All that a dump was found to hold, in words that a table can compare. */
static char *describe(const struct plain_totals *totals)
{
    static const char *const sources[] = {"none", "copy", "insert"};
    struct buffer text;
    buffer_init(&text, 100000);
    for (size_t i = 0; i < totals->table_count; i++) {
        const struct plain_table *table = &totals->tables[i];
        buffer_printf(&text, "%s%s%s.%s=%lld %s%s; ", table->database, *table->database ? ":" : "",
                      table->schema, table->name, (long long)table->totals.rows,
                      sources[table->source], table->partitioned ? " partitioned" : "");
    }
    for (size_t i = 0; i < totals->roles.count; i++)
        buffer_printf(&text, "role %s; ", totals->roles.items[i]);
    for (size_t i = 0; i < totals->tablespaces.count; i++)
        buffer_printf(&text, "tablespace %s; ", totals->tablespaces.items[i]);
    for (size_t i = 0; i < totals->databases.count; i++)
        buffer_printf(&text, "database %s; ", totals->databases.items[i]);
    for (size_t i = 0; i < totals->extension_count; i++)
        buffer_printf(&text, "extension %s %s; ", totals->extensions[i].name,
                      totals->extensions[i].schema ? totals->extensions[i].schema : "-");
    if (totals->large_objects > 0)
        buffer_printf(&text, "large objects %lld; ", (long long)totals->large_objects);
    if (totals->encoding)
        buffer_printf(&text, "encoding %s; ", totals->encoding);
    return buffer_steal(&text);
}

#define BEGIN  "--\n-- PostgreSQL database dump\n--\n\n"
#define END    "\n--\n-- PostgreSQL database dump complete\n--\n\n"
#define SAFE   "SET standard_conforming_strings = on;\n"
#define UNSAFE "SET standard_conforming_strings = off;\n"

static const struct {
    const char *sql, *expected;
} wholes[] = {
    {"", ""},
    {"COPY public.t (a, b) FROM stdin;\n1\t\\N\n2\t;\n\\.\n", "public.t=2 copy; "},
    {"COPY public.t FROM stdin;\n\\.\n", "public.t=0 copy; "},
    {"COPY public.t () FROM stdin;\n\n\n\\.\n", "public.t=2 copy; "},
    {"COPY public.t (a) WITH OIDS FROM stdin;\n1\n\\.\n", "public.t=1 copy; "},
    {"COPY public.t (a) FROM stdin;\r\n1\r\n\\.\r\n\r\n", "public.t=1 copy; "},
    {"COPY t (a) FROM stdin;\n-- not a comment\n\\! not a command\n'\n\\.\n", "public.t=3 copy; "},
    {"COPY p (a) FROM stdin;\n1\n\\.\nCOPY p (a) FROM stdin;\n2\n3\n\\.\n", "public.p=3 copy; "},
    {"COPY \"we;ird \"\"na.me\".\"T(\" (\"a)\", b) FROM stdin;\n1\n\\.\n",
     "we;ird \"na.me.T(=1 copy; "},
    {"SET search_path = old, pg_catalog;\nCREATE TABLE t (a int);\nCOPY t (a) FROM stdin;\n1\n"
     "\\.\nSET search_path = \"$user\", \"New S\";\nCREATE TABLE t (a int);\n",
     "old.t=1 copy; New S.t=0 none; "},
    {"SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE s.t ();\n",
     "s.t=0 none; "},
    {"CREATE TABLE public.t (\n a text DEFAULT ';'::text\n) WITH (fillfactor='70');\n",
     "public.t=0 none; "},
    {"CREATE UNLOGGED TABLE public.t (a int);\nCREATE FOREIGN TABLE f (a int) SERVER s;\n"
     "CREATE VIEW v AS SELECT 1 AS partition;\nCREATE EVENT TRIGGER e ON x;\n",
     "public.t=0 none; "},
    {"CREATE TABLE public.p (a int)\nPARTITION BY RANGE (a);\n", "public.p=0 none partitioned; "},
    {"CREATE TABLE v (a int);\nCREATE RULE \"_RETURN\" AS ON SELECT TO v DO INSTEAD SELECT 1;\n",
     ""},
    {"INSERT INTO public.t VALUES (1, ');');\nINSERT INTO public.t VALUES (2, '(');\n",
     "public.t=2 insert; "},
    {"INSERT INTO t (a, \"values\") VALUES\n\t(1, (2)),\n\t(3, ROW(4, 5)),\n\t(6, '7');\n",
     "public.t=3 insert; "},
    {"INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT DO NOTHING;\n",
     "public.t=1 insert; "},
    {"INSERT INTO t DEFAULT VALUES;\nINSERT INTO t DEFAULT VALUES;\n", "public.t=2 insert; "},
    {"INSERT INTO t VALUES (E'a\\';--', 'b''c', B'1', X'F', N'x', $$;'$$, $a$ $b$ $a$, -1, 1.5);\n",
     "public.t=1 insert; "},
    {SAFE "INSERT INTO t VALUES ('\\');\nINSERT INTO t VALUES ('\\'), ('''\\');\n",
     "public.t=3 insert; "},
    {UNSAFE "INSERT INTO t VALUES ('\\'); --');\nINSERT INTO t VALUES ('\\\\'), (U&'\\');\n",
     "public.t=3 insert; "},
    {SAFE "SET client_encoding = 'SJIS';\nINSERT INTO t VALUES (E'\x83\\'), ('\x83\\');\n",
     "public.t=2 insert; encoding SJIS; "},
    {"SET client_encoding = 'UTF8';\nINSERT INTO t VALUES (E'\\\\'); -- '\n",
     "public.t=1 insert; encoding UTF8; "},
    {"/* ; /* ' */ \\! */\nCREATE TABLE t /* ; */ (a int /* ) */);\n/*/ ; */\n",
     "public.t=0 none; "},
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 "
     "ELSE 2 END;\n SELECT \"end\" FROM x;\nEND;\nCREATE TABLE t ();\n",
     "public.t=0 none; "},
    {"CREATE OR REPLACE PROCEDURE f(begin int) AS $fn$ BEGIN; $$ ; $f$ \\! $fn$;\nCREATE TABLE t "
     "();\n",
     "public.t=0 none; "},
    {"CREATE FUNCTION f() AS $a$ ; $b$a$, $ab$ ; $a$ab$, $ab$ ; $$ab$;\nCREATE TABLE t ();\n",
     "public.t=0 none; "},
    {"/* /*/ ; */ ; */\nSELECT 1::TEXT;\nCREATE TABLE t ();\n", "public.t=0 none; "},
    {"COPY/**/s.t--\nFROM stdin;\n\\.\n\\connect x\n", "s.t=0 copy; database x; "},
    {"CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);\n", ""},
    {"CREATE VIEW v AS SELECT (a)[lo:hi], b::text, c - -1, d /1, e$f FROM g;\n", ""},
    {"COMMENT ON TABLE t IS 'x\n-- PostgreSQL database dump complete\n';\n", ""},
    {"ALTER TABLE public.owner OWNER TO \"Bob; \"\"B\"\"\";\nGRANT ALL ON FUNCTION f(a \"to\", b "
     "int) TO amy, PUBLIC, carl WITH GRANT OPTION GRANTED BY dora;\nREVOKE ALL ON SCHEMA s FROM "
     "eve;\nALTER DEFAULT PRIVILEGES FOR ROLE fay IN SCHEMA s REVOKE ALL ON TABLES FROM gus;\n",
     "role Bob; \"B\"; role amy; role carl; role dora; role eve; role fay; role gus; "},
    {"SET default_tablespace = '';\nSET default_tablespace = fast;\nSET default_tablespace = \"A "
     "b\";\nSET default_tablespace = own;\nCREATE TABLESPACE own OWNER ann LOCATION '/x';\n"
     "CREATE DATABASE d WITH TEMPLATE = template0 TABLESPACE = slow ENCODING = 'UTF8';\n",
     "role ann; tablespace fast; tablespace A b; tablespace slow; database d; "},
    {"CREATE POLICY p ON t AS PERMISSIVE FOR SELECT TO hal, ida USING ((to_x = 'to zed'));\n"
     "CREATE SCHEMA owner;\nCREATE SCHEMA s AUTHORIZATION joe;\nSET SESSION AUTHORIZATION "
     "'kim';\nCREATE USER MAPPING "
     "FOR "
     "lou SERVER s;\nGRANT mia TO ned;\nGRANT SELECT(a),UPDATE(a) ON TABLE t TO GROUP ann;\n",
     "role hal; role ida; role joe; role kim; role lou; role ned; role mia; role ann; "},
    {"ALTER DEFAULT PRIVILEGES FOR ROLE a, b GRANT ALL ON TABLES TO c;\nALTER DEFAULT PRIVILEGES "
     "GRANT ALL ON TABLES TO d;\nALTER ROLE e SET search_path TO 'x';\n",
     "role a; role b; role c; role d; role e; "},
    {"ALTER TABLE t OWNER TO amy;\nCREATE ROLE amy;\nALTER ROLE amy WITH LOGIN PASSWORD 'x';\n",
     ""},
    {"CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;\nCREATE EXTENSION "
     "\"uuid-ossp\";\n",
     "extension pg_trgm public; extension uuid-ossp -; "},
    {"SELECT pg_catalog.lo_create('1');\nBEGIN;\nSELECT pg_catalog.lo_open('1', 131072);\nSELECT "
     "pg_catalog.lowrite(0, '\\x00');\nSELECT pg_catalog.lo_close(0);\nCOMMIT;\nSELECT "
     "lo_open(lo_create('2'), 131072);\n" /* the quote below is behind SET in real dumps */,
     NULL},
    {SAFE "SELECT pg_catalog.lo_create('1');\nSELECT pg_catalog.lowrite(0, '\\x00');\nSELECT "
          "lo_open(lo_create('2'), 131072);\nSELECT pg_catalog.setval('s', 1, true);\n",
     "large objects 2; "},
    {"CREATE DATABASE \"my-app\" WITH TEMPLATE = template0 OWNER = ann;\n\\connect \"my_app\"\n"
     "CREATE TABLE t ();\n\\encoding SQL_ASCII\n\\connect -reuse-previous=on \"dbname='my-app \\'"
     "\\\\ \"\"'\"\nCREATE TABLE t ();\n",
     "my_app:public.t=0 none; my-app '\\ \":public.t=0 none; role ann; database my-app; database "
     "my_app; database my-app '\\ \"; "},
    {"\\restrict aB9\nCREATE TABLE t ();\n\\unrestrict aB9\n", "public.t=0 none; "},
    {"UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'x';\n;\n", ""},
};

START_TEST(a_dump_holds_what_it_says_whatever_the_blocks)
{
    cleanup(free_pointer) char *text = xasprintf("%s%s%s", BEGIN, wholes[_i].sql, END);
    size_t length = strlen(text);
    for (size_t block = 1; block <= length; block += block < 10 ? 1 : length / 3) {
        cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
        struct error error = {.text = ""};
        int result = parse(text, length, block, false, &totals, &error);
        if (!wholes[_i].expected) {
            ck_assert_int_eq(result, -1);
            continue;
        }
        ck_assert_msg(result == 0, "%s", error.text);
        cleanup(free_pointer) char *described = describe(totals);
        ck_assert_str_eq(described, wholes[_i].expected);
        ck_assert_str_eq(totals->trailer, "PostgreSQL database dump complete");
    }
}
END_TEST

static const struct {
    const char *text;
    enum fault fault;
    const char *expected; /* a part of the message */
} refused[] = {
    {"", FAULT_BACKUP, "no whole dump"},
    {END, FAULT_BACKUP, "no beginning"},
    {BEGIN, FAULT_BACKUP, "cut: it ends on line 5 without the line \"-- PostgreSQL database dump"},
    {BEGIN BEGIN END, FAULT_BACKUP, "another one begins on line 6"},
    {BEGIN END BEGIN, FAULT_BACKUP, "cut: it ends on line 14 without the line"},
    {BEGIN END "--\n-- PostgreSQL data", FAULT_BACKUP, "on line 11, where another dump begins"},
    {BEGIN END END, FAULT_BACKUP, "line 12: the dump ends twice"},
    {BEGIN END "GRANT x TO y", FAULT_BACKUP, "in the middle of a statement"},
    {BEGIN END "\\! x\n", FAULT_BACKUP, "line 10: the psql command \\!"},
    {BEGIN END "COPY t FROM '/x';\n", FAULT_MACHINE, "other than COPY ... FROM"},
    {BEGIN END "COPY t FROM stdin CSV;\n1\n\\.\n", FAULT_MACHINE, "other than COPY ... FROM"},
    {BEGIN END "COPY t FROM stdin;\n1\n", FAULT_BACKUP, "in the data of table public.t"},
    {BEGIN END "SET standard_conforming_strings = x;\n", FAULT_BACKUP, "neither on nor off"},
    {BEGIN END "SELECT set_config('standard_conforming_strings', 'off', false);\n", FAULT_BACKUP,
     "makes with SET"},
    {BEGIN "CREATE TABLE t (a int" END, FAULT_BACKUP, "(CREATE TABLE t)"},
    {BEGIN "COMMENT ON TABLE t IS 'secret" END, FAULT_BACKUP, "a quoted string, in the statement"},
    {BEGIN "DO $x$ secret $" END, FAULT_BACKUP, "a dollar-quoted string"},
    {BEGIN "ALTER TABLE \"t" END, FAULT_BACKUP, "a quoted name"},
    {BEGIN "/* /* */" END, FAULT_BACKUP, "in the middle of a comment"},
    {BEGIN "COPY s.t (a) FROM stdin;\n1\n2\n3", FAULT_BACKUP,
     "on line 8, in the data of table s.t, behind row 2"},
    {BEGIN "COPY s.t (a) FROM stdin;\n1\n" END, FAULT_BACKUP, "in the data of table s.t"},
    {BEGIN "COPY s.t (a) FROM stdin; SELECT 1;\n\\.\n" END, FAULT_BACKUP, "follows COPY"},
    {BEGIN "COPY s.t (a) FROM '/etc/passwd';\n" END, FAULT_MACHINE, "other than COPY ... FROM"},
    {BEGIN "COPY s.t (a) FROM stdin CSV;\n\\.\n" END, FAULT_MACHINE, "other than COPY ... FROM"},
    {BEGIN "COPY s.t FROM stdin -;\n\\.\n" END, FAULT_MACHINE, "other than COPY ... FROM"},
    {BEGIN "COPY s.t FROM stdin;\n1\n2\n\\.\n\\! x\n" END, FAULT_BACKUP,
     "line 9: the psql command"},
    {BEGIN "COPY (SELECT 1) TO PROGRAM 'sh';\n" END, FAULT_BACKUP, "name of a table"},
    {BEGIN "\\! rm -rf x\n" END, FAULT_BACKUP, "line 5: the psql command \\!"},
    {BEGIN "SELECT 1 \\gexec\n" END, FAULT_BACKUP, "line 5: the psql command \\gexec"},
    {BEGIN "SELECT 1; \\o x\n" END, FAULT_BACKUP, "\\o:"},
    {BEGIN " \\connect x\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "-- x\r\\! y\n" END, FAULT_BACKUP, "\\!:"},
    {BEGIN "\\copy t from x\n" END, FAULT_BACKUP, "\\copy:"},
    {BEGIN "\\i x\n" END, FAULT_BACKUP, "\\i:"},
    {BEGIN "\\.\n" END, FAULT_BACKUP, "\\.:"},
    {BEGIN "\\encoding SJIS\n" END, FAULT_BACKUP, "\\encoding:"},
    {BEGIN "SELECT (1\n\\! x\n);\n" END, FAULT_BACKUP, "line 6: the psql command \\!"},
    {BEGIN "SELECT 1 \\; \\! x\n" END, FAULT_BACKUP, "\\;:"},
    {BEGIN "SELECT 1;\r\\! x\n" END, FAULT_BACKUP, "\\!:"},
    {BEGIN "SELECT $a$ \\! $a$ \\g |sh\n" END, FAULT_BACKUP, "\\g:"},
    {BEGIN "/* /* */ \\! x */ \\! y\n" END, FAULT_BACKUP, "\\!:"},
    {BEGIN "\\if `sh`\n\\endif\n" END, FAULT_BACKUP, "\\if:"},
    {BEGIN "\\set x `sh`\n" END, FAULT_BACKUP, "\\set:"},
    {BEGIN "SELECT 'x' AS \"DBNAME\" \\gset\n" END, FAULT_BACKUP, "\\gset:"},
    {BEGIN "\\unrestrict a\n" END, FAULT_BACKUP, "\\unrestrict:"},
    {BEGIN "COPY t FROM stdin;\n\\.\n\\. \n" END, FAULT_BACKUP, "\\.:"},
    {BEGIN "\\connect host=evil\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "\\connect postgresql://evil/\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "\\connect \"host=evil\"\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "\\connect x y\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "\\connect x `sh`\n" END, FAULT_BACKUP, "\\connect:"},
    {BEGIN "\\connect -reuse-previous=on \"dbname='a' host='b'\"\n" END, FAULT_BACKUP,
     "\\connect:"},
    {BEGIN "\\connect -reuse-previous=on \"dbname='a'\" `sh` \"'\"\n" END, FAULT_BACKUP,
     "\\connect:"},
    {BEGIN "\\restrict a b\n" END, FAULT_BACKUP, "\\restrict:"},
    {BEGIN "\\restrict a\n\\unrestrict b\n" END, FAULT_BACKUP, "line 6: \\unrestrict has not"},
    {BEGIN "\\restrict a\n\\connect b\n" END, FAULT_BACKUP, "before \\unrestrict"},
    {BEGIN "\\restrict a\n" END, FAULT_BACKUP, "without the \\unrestrict"},
    {BEGIN "\\restrict a\n" END "\\unrest", FAULT_BACKUP, "middle of a psql command"},
    {BEGIN "SELECT :DBNAME;\n" END, FAULT_BACKUP, "psql variable"},
    {BEGIN "SELECT '\\';\n" END, FAULT_BACKUP, "before standard_conforming_strings"},
    {BEGIN SAFE "\\connect x\nSELECT '\\';\n" END, FAULT_BACKUP, "before standard_conforming"},
    {BEGIN "SELECT E'a'\n'b\\' \\! x';\n" END, FAULT_BACKUP, "goes on behind"},
    {BEGIN "SELECT set_config('standard_conforming_strings', 'off', false);\n" END, FAULT_BACKUP,
     "makes with SET"},
    {BEGIN "INSERT INTO t SELECT 1;\n" END, FAULT_MACHINE, "other than INSERT ... VALUES"},
    {BEGIN "INSERT INTO t (SELECT 1);\n" END, FAULT_MACHINE, "other than INSERT ... VALUES"},
    {BEGIN "INSERT INTO t VALUES (1) RETURNING a;\n" END, FAULT_MACHINE, "other than INSERT"},
    {BEGIN "INSERT INTO t VALUES (1),;\n" END, FAULT_MACHINE, "other than INSERT"},
    {BEGIN "INSERT INTO t VALUES (1) (2);\n" END, FAULT_MACHINE, "other than INSERT"},
    {BEGIN "CREATE TABLE t AS SELECT 1;\n" END, FAULT_MACHINE, "CREATE TABLE ... AS"},
    {BEGIN "SELECT 1 INTO t;\n" END, FAULT_MACHINE, "SELECT ... INTO"},
    {BEGIN "DO $$ BEGIN END $$;\n" END, FAULT_MACHINE, "line 5: rows that such a statement"},
    {BEGIN "DELETE FROM t;\n" END, FAULT_MACHINE, "cannot be counted"},
    {BEGIN "UPDATE t SET a = 1;\n" END, FAULT_MACHINE, "UPDATE"},
    {BEGIN "CRXATE TABLE t ();\n" END, FAULT_BACKUP, "no statement of SQL"},
    {BEGIN "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE t ();\n" END,
     FAULT_BACKUP, "schema of a table is missing"},
};

START_TEST(a_bad_dump_is_refused_whatever_the_blocks)
{
    size_t length = strlen(refused[_i].text);
    for (size_t block = 1; block <= length + 1; block += length > 1 ? length / 2 : 1) {
        struct plain_totals *totals = NULL;
        struct error error = {.text = "no error"};
        ck_assert_msg(parse(refused[_i].text, length, block, false, &totals, &error) == -1,
                      "accepted");
        ck_assert_msg(strstr(error.text, refused[_i].expected) != NULL, "%s", error.text);
        ck_assert_msg(!strstr(error.text, "secret"), "%s", error.text);
        ck_assert_int_eq(error.fault, refused[_i].fault);
        ck_assert_ptr_null(totals);
    }
}
END_TEST

/* Where a backslash may be the second byte of a character it escapes no quote, and what stands
 * behind that is a command; where it may not, the quote is a part of the string. */
START_TEST(a_command_behind_a_character_that_ends_like_a_backslash)
{
    static const struct {
        const char *encoding;
        bool refused;
    } encodings[] = {
        {"SJIS", true},    {"Shift_JIS", true},      {"MSKANJI", true},
        {"win932", true},  {"BIG5", true},           {"win950", true},
        {"GBK", true},     {"WIN936", true},         {"UHC", true},
        {"GB18030", true}, {"SHIFT_JIS_2004", true}, {"johab", true},
        {"LATIN1", false}, {"UTF8", false},          {"EUC_JP", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(encodings); i++)
        for (int names = 0; names < 2; names++) {
            cleanup(free_pointer) char *text =
                xasprintf(BEGIN SAFE "SET %s '%s';\nSELECT E'\x84\\'; \\! x --';\n" END,
                          names ? "NAMES" : "client_encoding =", encodings[i].encoding);
            cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
            struct error error = {.text = "accepted"};
            int result = parse(text, strlen(text), 7, false, &totals, &error);
            ck_assert_msg(result == (encodings[i].refused ? -1 : 0), "%s: %s",
                          encodings[i].encoding, error.text);
            ck_assert_msg(result == 0 || strstr(error.text, "psql command \\!"), "%s: %s",
                          encodings[i].encoding, error.text);
        }
}
END_TEST

static const struct {
    const char *sql; /* behind a whole dump of one table with a row, which ends on line 13 */
    int statements, line;
    const char *text;
    int dumps, dump_line;
    bool changes_rows;
    const char *tables;
} additions[] = {
    {"", 0, 0, NULL, 0, 0, false, "public.t=1 copy; "},
    {"RESET ALL;\n\n", 0, 0, NULL, 0, 0, false, "public.t=1 copy; "},
    {"GRANT SELECT ON t TO ann;\n", 1, 14, "GRANT SELECT ON t TO ann", 0, 0, false,
     "public.t=1 copy; role ann; "},
    {"\n-- ours\nREFRESH MATERIALIZED VIEW v;\nBEGIN;\nCREATE INDEX i ON t (a);\nCOMMIT;\n", 4, 16,
     "REFRESH MATERIALIZED VIEW v", 0, 0, false, "public.t=1 copy; "},
    {"INSERT INTO public.t VALUES ('secret');\nCOPY public.t FROM stdin;\n2\n\\.\n", 2, 14,
     "INSERT INTO public.t VALUES", 0, 0, true, "public.t=3 insert; "},
    {"INSERT INTO public.t SELECT 1;\n", 1, 14, "INSERT INTO public.t SELECT 1", 0, 0, true,
     "public.t=1 copy; "},
    {"UPDATE t SET a = 'secret';\n", 1, 14, "UPDATE t SET a =", 0, 0, true, "public.t=1 copy; "},
    {"DELETE FROM t;\n", 1, 14, "DELETE FROM t", 0, 0, true, "public.t=1 copy; "},
    {"DO $$ BEGIN END $$;\n", 1, 14, "DO", 0, 0, true, "public.t=1 copy; "},
    {"ALTER TABLE t RENAME TO u;\n", 1, 14, "ALTER TABLE t RENAME TO u", 0, 0, true,
     "public.t=1 copy; "},
    {"SELECT purge();\n", 1, 14, "SELECT purge", 0, 0, true, "public.t=1 copy; "},
    {"CREATE TABLE u AS SELECT 1;\n", 1, 14, "CREATE TABLE u AS SELECT 1", 0, 0, true,
     "public.t=1 copy; "},
    {"NOTIFY x;\nCREATE TABLE public.u ();\n", 2, 14, "NOTIFY x", 0, 0, true,
     "public.t=1 copy; public.u=0 none; "},
    {BEGIN "CREATE TABLE public.u ();\n" END, 0, 0, NULL, 1, 15, true,
     "public.t=1 copy; public.u=0 none; "},
    {BEGIN END BEGIN END "DROP TABLE t;\n", 1, 32, "DROP TABLE t", 2, 15, true,
     "public.t=1 copy; "},
    {"\\connect x\n" BEGIN "CREATE TABLE public.t ();\n" END "\\connect y\n" BEGIN END, 0, 0, NULL,
     0, 0, false, "public.t=1 copy; x:public.t=0 none; database x; database y; "},
    {"CREATE DATABASE x;\n\\connect x\n" BEGIN END "\\connect x\n" BEGIN END, 1, 14,
     "CREATE DATABASE x", 1, 27, true, "public.t=1 copy; database x; "},
};

START_TEST(what_is_appended_is_told)
{
    cleanup(free_pointer) char *text =
        xasprintf("%sCOPY public.t FROM stdin;\n1\n\\.\n\n%s%s", BEGIN, END, additions[_i].sql);
    size_t length = strlen(text);
    for (size_t block = 1; block <= length; block += length / 2) {
        cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
        struct error error = {.text = ""};
        ck_assert_msg(parse(text, length, block, false, &totals, &error) == 0, "%s", error.text);
        const struct plain_appended *appended = &totals->appended;
        cleanup(free_pointer) char *described = describe(totals);
        ck_assert_str_eq(described, additions[_i].tables);
        ck_assert_int_eq(appended->statements, additions[_i].statements);
        ck_assert_int_eq(appended->line, additions[_i].line);
        ck_assert_pstr_eq(appended->text, additions[_i].text);
        ck_assert_int_eq(appended->dumps, additions[_i].dumps);
        ck_assert_int_eq(appended->dump_line, additions[_i].dump_line);
        ck_assert_int_eq(appended->changes_rows, additions[_i].changes_rows);
    }
}
END_TEST

START_TEST(a_zero_byte_is_refused_in_sql_and_in_rows)
{
    static const char sql[] = BEGIN "SELECT 1;\n\0SELECT 2;\n" END;
    static const char rows[] = BEGIN "COPY t FROM stdin;\n1\n2\0\n\\.\n" END;
    struct plain_totals *totals = NULL;
    struct error error;
    ck_assert_int_eq(parse(sql, sizeof(sql) - 1, 1000, false, &totals, &error), -1);
    ck_assert_msg(strstr(error.text, "line 6: a zero byte") != NULL, "%s", error.text);
    ck_assert_int_eq(parse(rows, sizeof(rows) - 1, 1000, false, &totals, &error), -1);
    ck_assert_msg(strstr(error.text, "line 7: a zero byte") != NULL, "%s", error.text);
}
END_TEST

static const char restricted[] =
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict Key1\n\n"
    "-- Dumped from database version 15.20 (Debian)\n-- Dumped by pg_dump version 16.1\n\n"
    "SET client_encoding = 'UTF8';\n" SAFE "CREATE FUNCTION f() RETURNS text LANGUAGE sql\n    "
    "BEGIN ATOMIC\n SELECT 'a;'::text;\nEND;\n\n\nALTER FUNCTION f() OWNER TO \"o o\";\n"
    "CREATE TABLE public.t (\n    a text\n);\n\nCOPY public.t (a) FROM "
    "stdin;\none\n\\\\N\n\\.\n\n\n"
    "INSERT INTO public.u VALUES ('x\\;', E'\\'', $$ $$);\n/* c */\n"
    "-- Completed on 2026-11-22\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
    "\\unrestrict Key1\n\n";

/* What may be lost without an error is only what stands behind the last thing that matters. */
static void every_cut_is_an_error(const char *text, size_t harmless)
{
    size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
        struct error error = {.text = ""};
        int result = parse(text, cut, 4096, false, &totals, &error);
        if (result == 0 && cut + harmless < length)
            ck_abort_msg("cut behind byte %zu of %zu accepted", cut, length);
        if (cut == length)
            ck_assert_msg(result == 0, "%s", error.text);
        if (result < 0)
            ck_assert_msg(error.fault == FAULT_BACKUP && !strstr(error.text, "find out who"),
                          "cut behind byte %zu: %s", cut, error.text);
    }
}

START_TEST(every_cut_of_a_dump_is_an_error)
{
    every_cut_is_an_error(restricted, 2); /* the last two newlines */
    cleanup(free_pointer) char *old =
        xasprintf("%s%s%s", BEGIN, "CREATE TABLE t ();\nCOPY t FROM stdin;\n\n\\.\n\n\n", END);
    every_cut_is_an_error(old, strlen("\n--\n\n") + 1); /* behind "complete" */
}
END_TEST

START_TEST(the_comments_of_a_dump_are_read)
{
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error = {.text = ""};
    cleanup(free_pointer) char *text = xasprintf("\xEF\xBB\xBF%s", restricted);
    int result = parse(text, strlen(text), 2, false, &totals, &error);
    ck_assert_msg(result == 0, "%s", error.text);
    ck_assert_str_eq(totals->dumped_from, "15.20 (Debian)");
    ck_assert_str_eq(totals->dumped_by, "16.1");
    ck_assert_ptr_null(totals->started);
    ck_assert(!totals->cluster);
}
END_TEST

static const struct {
    const char *text;
    const char *kinds;   /* of the lines that were found: r, t, i, a */
    const char *blanked; /* the text when those are left out that are in capitals */
} lines[] = {
    {"\\restrict aB9\nSET transaction_timeout = 0;\n\\unrestrict aB9\n", "rTr",
     "\\restrict aB9\n                            \n\\unrestrict aB9\n"},
    {"\\restrict aB9\nSET transaction_timeout = 0;\n\\unrestrict aB9\n", "RtR",
     "             \nSET transaction_timeout = 0;\n               \n"},
    /* what is data or means something stays */
    {"SET transaction_timeout = 5;\nSET idle_in_transaction_session_timeout = 0;\r\n"
     "COPY t FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
     "SELECT '\nSET transaction_timeout = 0;\n';\nSET default_table_access_method = heap;\n"
     "SET default_table_access_method = other;\n",
     "IA",
     "SET transaction_timeout = 5;\n                                            \r\n"
     "COPY t FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
     "SELECT '\nSET transaction_timeout = 0;\n';\n                                       \n"
     "SET default_table_access_method = other;\n"},
    {"SET\ntransaction_timeout = 0;\n", "", "SET\ntransaction_timeout = 0;\n"},
    {"SET transaction_timeout = 0; SELECT 1;\n", "T", "SET transaction_timeout = 0; SELECT 1;\n"},
    {"  SET transaction_timeout = 0;\n", "T", "  SET transaction_timeout = 0;\n"},
};

START_TEST(lines_that_older_versions_do_not_know_are_blanked)
{
    static const char letters[] = "rtia";
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error = {.text = ""};
    cleanup(free_pointer) char *text = xasprintf("%s%s%s", BEGIN, lines[_i].text, END);
    int result = parse(text, strlen(text), 7, false, &totals, &error);
    ck_assert_msg(result == 0, "%s", error.text);
    bool kinds[PLAIN_LINE_KINDS] = {false};
    ck_assert_uint_eq(totals->lines.count, strlen(lines[_i].kinds));
    for (size_t i = 0; i < totals->lines.count; i++) {
        char letter = letters[totals->lines.items[i].kind];
        ck_assert_int_eq(tolower(lines[_i].kinds[i]), letter);
        kinds[totals->lines.items[i].kind] = lines[_i].kinds[i] != letter;
    }
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "x.sql");
    scratch_write(path, text, 0600);
    ck_assert_int_eq(plain_lines_blank(&totals->lines, kinds, path, &error), 0);
    cleanup(free_pointer) char *expected = xasprintf("%s%s%s", BEGIN, lines[_i].blanked, END);
    struct buffer after;
    ck_assert_int_eq(file_read(path, 4096, &after, &error), 0);
    ck_assert_str_eq(after.data, expected);
    buffer_free(&after);
    ck_assert_int_eq(plain_lines_blank(&totals->lines, kinds, "/nowhere/x.sql", &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

#define CLUSTER     "--\n-- PostgreSQL database cluster dump\n--\n\n"
#define CLUSTER_END "--\n-- PostgreSQL database cluster dump complete\n--\n\n"

START_TEST(a_cluster_is_whole_when_each_of_its_databases_is)
{
    static const struct {
        const char *text, *expected, *error;
    } clusters[] = {
        {CLUSTER "CREATE ROLE a;\n\\connect x\n" BEGIN
                 "-- Started on now\nCREATE TABLE t ();\nALTER "
                 "TABLE t OWNER TO a;\n" END "\\connect y\n" BEGIN
                 "COPY t FROM stdin;\n1\n\\.\n" END CLUSTER_END,
         "x:public.t=0 none; y:public.t=1 copy; database x; database y; ", NULL},
        {CLUSTER "CREATE ROLE a;\n" CLUSTER_END BEGIN "-- Started on now\nCREATE TABLE t ();\n" END,
         "public.t=0 none; ", NULL},
        {CLUSTER "\\connect x\n" BEGIN "\\connect y\n" BEGIN END CLUSTER_END, NULL, "another one"},
        {CLUSTER "\\connect x\n" BEGIN END CLUSTER, NULL,
         "before \"-- PostgreSQL database cluster"},
        {CLUSTER "\\connect x\n" BEGIN CLUSTER_END, NULL, "no beginning"},
        {CLUSTER "\\connect x\n" BEGIN END, NULL, "without the line \"-- PostgreSQL database clus"},
        {BEGIN END CLUSTER_END, NULL, "ends twice"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(clusters); i++) {
        cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
        struct error error = {.text = ""};
        int result =
            parse(clusters[i].text, strlen(clusters[i].text), 1000, false, &totals, &error);
        if (clusters[i].error) {
            ck_assert_int_eq(result, -1);
            ck_assert_msg(strstr(error.text, clusters[i].error) != NULL, "%s", error.text);
            continue;
        }
        ck_assert_msg(result == 0, "%s", error.text);
        cleanup(free_pointer) char *described = describe(totals);
        ck_assert_str_eq(described, clusters[i].expected);
        ck_assert(totals->cluster);
        ck_assert_str_eq(totals->started, "now");
    }
}
END_TEST

START_TEST(each_database_has_its_own_encoding_and_objects)
{
    static const char text[] =
        "SET client_encoding = 'UTF8';\n" SAFE CLUSTER "\\connect x\n" BEGIN
        "SET client_encoding = 'LATIN1';\nSET client_encoding = 'UTF8';\nCREATE TABLE t ();\n"
        "CREATE TABLE u ();\n" END "\\connect y\n" BEGIN
        "SELECT pg_catalog.lo_create('1');\n" END CLUSTER_END;
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error = {.text = ""};
    ck_assert_msg(parse(text, strlen(text), 9, false, &totals, &error) == 0, "%s", error.text);
    static char utf8[] = "UTF8", latin1[] = "LATIN1";
    static const struct plain_database expected[] = {
        {"", utf8, 0, 0, 0, 0}, {"x", latin1, 2, 0, 0, 7}, {"y", NULL, 0, 1, 1, 21}};
    ck_assert_uint_eq(totals->database_part_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(totals->database_parts[i].name, expected[i].name);
        ck_assert_pstr_eq(totals->database_parts[i].encoding, expected[i].encoding);
        ck_assert_uint_eq(totals->database_parts[i].table_count, expected[i].table_count);
        ck_assert_int_eq(totals->database_parts[i].large_objects, expected[i].large_objects);
        ck_assert_int_eq(totals->database_parts[i].hollow_large_objects,
                         expected[i].hollow_large_objects);
        ck_assert_int_eq(totals->database_parts[i].line, expected[i].line);
    }
    ck_assert_int_eq(totals->large_objects, 1);
}
END_TEST

START_TEST(a_fragment_needs_neither_beginning_nor_end)
{
    static const char text[] = "SET client_encoding = 'UTF8';\n" SAFE
                               "INSERT INTO s.t VALUES (1);\nINSERT INTO s.t VALUES ('\\');\n\n\n";
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error = {.text = ""};
    ck_assert_int_eq(parse(text, strlen(text), 5, true, &totals, &error), 0);
    ck_assert_int_eq(totals->tables[0].totals.rows, 2);
    ck_assert_int_eq(parse(text, strlen(text) - 4, 5, true, &totals, &error), -1);
}
END_TEST

START_TEST(a_long_statement_is_counted_and_a_long_grant_refused)
{
    struct buffer text;
    buffer_init(&text, 10 << 20);
    buffer_append_text(&text, BEGIN "INSERT INTO t VALUES (1)");
    for (int i = 0; i < 30000; i++)
        buffer_append_text(&text, ",\n\t(1234567, 'some text')");
    buffer_append_text(&text, ";\n" END);
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error = {.text = ""};
    int result = parse(text.data, text.length, 65536, false, &totals, &error);
    ck_assert_msg(result == 0, "%s", error.text);
    ck_assert_int_eq(totals->tables[0].totals.rows, 30001);
    ck_assert_int_eq(totals->tables[0].totals.largest_row_bytes, 20);
    buffer_clear(&text);
    buffer_append_text(&text, BEGIN "GRANT ALL ON t TO a");
    for (int i = 0; i < 20000; i++)
        buffer_append_text(&text, ", abcd");
    buffer_append_text(&text, ";\n" END);
    ck_assert_int_eq(parse(text.data, text.length, 65536, false, &totals, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    buffer_free(&text);
}
END_TEST

START_TEST(a_fingerprint_is_that_of_the_rows_alone)
{
    static const char sql[] = BEGIN "COPY t FROM stdin;\nb\na\n\\.\n" END;
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error error;
    ck_assert_int_eq(parse(sql, strlen(sql), 7, false, &totals, &error), 0);
    cleanup(rows_freep) struct rows *rows = rows_new(true);
    rows_feed(rows, "a\nb\n", 4);
    rows_feed(rows, ROWS_TERMINATOR, strlen(ROWS_TERMINATOR));
    struct row_totals expected;
    ck_assert_int_eq(rows_finish(rows, &expected, &error), 0);
    ck_assert_mem_eq(&totals->tables[0].totals, &expected, sizeof(expected));
}
END_TEST

static const struct {
    const char *head;
    bool plain;
} heads[] = {
    {BEGIN, true},
    {CLUSTER, true},
    {"\xEF\xBB\xBF\r\n--\r\n-- PostgreSQL database dump\r\n", true},
    {"\\restrict abc\n", true},
    {"\n\nSET statement_timeout = 0;\n", true},
    {"CREATE ROLE a;\n\\connect x\n" BEGIN, true},
    {"-- ours\r\nSELECT 1;\r\n-- PostgreSQL database cluster dump\r\n", true},
    {"It ended:\n-- PostgreSQL database dump complete\n", false},
    {"-- MySQL dump 10.13  Distrib 8.0.33\n--\n-- PostgreSQL database dump\n", false},
    {"-- MariaDB dump 10.19\n", false},
    {"/*!40101 SET NAMES utf8 */;\n", false},
    {"SET NAMES utf8;\n", false},
    {"PGDMP\x01\x0e", false},
    {"CREATE TABLE t (a int);\n", false},
    {"\xFF\xFE-\0-\0", false},
    {"version https://git-lfs.github.com/spec/v1\n", false},
    {"", false},
};

START_TEST(plain_dumps_are_told_from_other_files)
{
    ck_assert_int_eq(plain_looks_like(heads[_i].head, strlen(heads[_i].head)), heads[_i].plain);
}
END_TEST

Suite *plain_suite(void)
{
    Suite *suite = suite_create("archive/plain");
    add_table_test(suite, a_dump_holds_what_it_says_whatever_the_blocks, ARRAY_LENGTH(wholes));
    add_table_test(suite, a_bad_dump_is_refused_whatever_the_blocks, ARRAY_LENGTH(refused));
    add_test(suite, a_command_behind_a_character_that_ends_like_a_backslash);
    add_table_test(suite, what_is_appended_is_told, ARRAY_LENGTH(additions));
    add_test(suite, a_zero_byte_is_refused_in_sql_and_in_rows);
    add_test(suite, every_cut_of_a_dump_is_an_error);
    add_test(suite, the_comments_of_a_dump_are_read);
    add_table_test(suite, lines_that_older_versions_do_not_know_are_blanked, ARRAY_LENGTH(lines));
    add_test(suite, a_cluster_is_whole_when_each_of_its_databases_is);
    add_test(suite, each_database_has_its_own_encoding_and_objects);
    add_test(suite, a_fragment_needs_neither_beginning_nor_end);
    add_test(suite, a_long_statement_is_counted_and_a_long_grant_refused);
    add_test(suite, a_fingerprint_is_that_of_the_rows_alone);
    add_table_test(suite, plain_dumps_are_told_from_other_files, ARRAY_LENGTH(heads));
    return suite;
}
