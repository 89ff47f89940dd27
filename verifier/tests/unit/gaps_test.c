/* What an archive defines and holds no data of, and what its entries are. */
#include "archive/gaps.h"

#include <string.h>

#include "archive/plain/plain.h"
#include "tests/unit/unit.h"

static struct archive_entry entry(const char *description, const char *schema, const char *tag)
{
    return (struct archive_entry){.description = (char *)(uintptr_t)description,
                                  .schema = (char *)(uintptr_t)schema,
                                  .tag = (char *)(uintptr_t)tag};
}

START_TEST(what_is_defined_without_data_is_named)
{
    struct archive_entry entries[] = {
        entry("ENCODING", "", "ENCODING"),
        entry("TABLE", "public", "users"),
        entry("TABLE", "b", "z"),
        entry("TABLE", "b", "a"),
        entry("FOREIGN TABLE", "public", "far"),
        entry("VIEW", "public", "v"),
        entry("MATERIALIZED VIEW", "public", "m"),
        entry("SEQUENCE", "public", "s1"),
        entry("SEQUENCE", "public", "s2"),
        entry("PROPERTY GRAPH", "public", "g"),
        entry("TABLE DATA", "public", "users"),
        entry("TABLE DATA", "public", "z"),
        entry("SEQUENCE SET", "public", "s2"),
        entry("TABLE DATA", "ext", "config"),
    };
    const struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    struct gaps gaps;
    gaps_find(&archive, &gaps);
    ck_assert_uint_eq(gaps.table_count, 2);
    ck_assert_str_eq(gaps.tables[0].name, "a");
    ck_assert(gaps_have_table(&gaps, "b", "z"));
    ck_assert(!gaps_have_table(&gaps, "public", "users"));
    ck_assert_uint_eq(gaps.sequence_count, 1);
    ck_assert_str_eq(gaps.sequences[0].name, "s1");
    ck_assert_uint_eq(gaps.unknown.count, 1);
    ck_assert_str_eq(gaps.unknown.items[0], "PROPERTY GRAPH g");
    gaps_free(&gaps);
    static const char *const there[] = {"users", "public.users", "b.z", "m", "far", "v"};
    for (size_t i = 0; i < ARRAY_LENGTH(there); i++)
        ck_assert_msg(archive_has_relation(&archive, there[i]), "%s", there[i]);
    static const char *const not_there[] = {"z", "public.z", "s1", "b.users", "ENCODING"};
    for (size_t i = 0; i < ARRAY_LENGTH(not_there); i++)
        ck_assert_msg(!archive_has_relation(&archive, not_there[i]), "%s", not_there[i]);
}
END_TEST

static const struct {
    enum plain_source first, second;
    size_t lacking;
} sources[] = {
    {FROM_COPY, FROM_COPY, 0},
    {FROM_COPY, NO_DATA, 1},
    {FROM_INSERT, NO_DATA, 0}, /* or it is empty */
    {NO_DATA, NO_DATA, 0},     /* likewise */
};

START_TEST(plain_sql_tells_it_only_with_copy)
{
    struct plain_table tables[] = {
        {.schema = (char[]){""}, .name = (char[]){"a"}, .source = sources[_i].first},
        {.schema = (char[]){"x"}, .name = (char[]){"b"}, .source = sources[_i].second}};
    struct plain_totals plain = {.tables = tables, .table_count = ARRAY_LENGTH(tables)};
    const struct archive archive = {.plain = &plain};
    struct gaps gaps;
    gaps_find(&archive, &gaps);
    ck_assert_uint_eq(gaps.table_count, sources[_i].lacking);
    ck_assert(gaps_have_table(&gaps, "x", "b") == (sources[_i].lacking > 0));
    gaps_free(&gaps);
}
END_TEST

START_TEST(an_archive_without_a_row_is_told)
{
    struct archive_table tables[2] = {{.has_data = true}, {.has_data = true}};
    const struct archive archive = {.tables = tables, .table_count = ARRAY_LENGTH(tables)};
    ck_assert(!archive_has_rows(&archive));
    tables[1].totals.rows = 1;
    ck_assert(archive_has_rows(&archive));
}
END_TEST

Suite *gaps_suite(void)
{
    Suite *suite = suite_create("archive/gaps");
    add_test(suite, what_is_defined_without_data_is_named);
    add_table_test(suite, plain_sql_tells_it_only_with_copy, ARRAY_LENGTH(sources));
    add_test(suite, an_archive_without_a_row_is_told);
    return suite;
}
