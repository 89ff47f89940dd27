#include "archive/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    const char *text;
    const char *grant; /* NULL: it is none */
} statements[] = {
    {"GRANT SELECT ON TABLE public.users TO reader;",
     "GRANT SELECT ON TABLE public.users TO reader"},
    {"\n  grant SELECT\n ON  TABLE t TO a ;\n", "grant SELECT ON TABLE t TO a"},
    {"REVOKE ALL ON SCHEMA public FROM PUBLIC", "REVOKE ALL ON SCHEMA public FROM PUBLIC"},
    {"GRANT USAGE ON TYPE \"a  ;\nb\" TO c", "GRANT USAGE ON TYPE \"a  ; b\" TO c"},
    {"ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b",
     "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b"},
    {"GRANT a TO b WITH ADMIN OPTION", NULL},
    {"GRANT CONNECT ON DATABASE shop TO a", NULL},
    {"GRANTED ON a TO b", NULL},
    {"ALTER TABLE t ADD x int", NULL},
    {"CREATE FUNCTION f() AS 'GRANT SELECT ON t TO u'", NULL},
    {"SET SESSION AUTHORIZATION a", NULL},
    {"", NULL},
    {" \n", NULL},
    {"G", NULL},
};

START_TEST(what_a_statement_grants)
{
    const char *text = statements[_i].text;
    cleanup(free_pointer) char *grant = grant_statement(text, strlen(text));
    ck_assert_pstr_eq(grant, statements[_i].grant);
}
END_TEST

/* Entries as pg_dump writes them, and one that somebody cut in a quote. */
START_TEST(each_statement_of_an_entry)
{
    static char acl[] = "REVOKE ALL ON TABLE t FROM PUBLIC;\nGRANT SELECT ON TABLE t TO \"a;b\";\n";
    static char other[] = "GRANT SELECT ON TABLE t TO nobody;\n";
    static char cut[] = "GRANT SELECT ON TABLE t TO \"a;";
    static char is_acl[] = "ACL", is_table[] = "TABLE";
    struct archive_entry entries[] = {{.description = is_acl, .definition = acl},
                                      {.description = is_table, .definition = other},
                                      {.description = is_acl, .definition = cut}};
    struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    cleanup(strings_free) struct strings grants = {0};
    struct error error;
    ck_assert_int_eq(grants_find(&archive, &grants, &error), 0);
    ck_assert_uint_eq(grants.count, 3);
    ck_assert_str_eq(grants.items[0], "REVOKE ALL ON TABLE t FROM PUBLIC");
    ck_assert_str_eq(grants.items[1], "GRANT SELECT ON TABLE t TO \"a;b\"");
    ck_assert_str_eq(grants.items[2], "GRANT SELECT ON TABLE t TO \"a");
}
END_TEST

Suite *grants_suite(void)
{
    Suite *suite = suite_create("archive/grants");
    add_table_test(suite, what_a_statement_grants, ARRAY_LENGTH(statements));
    add_test(suite, each_statement_of_an_entry);
    return suite;
}
