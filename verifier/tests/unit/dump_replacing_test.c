/* What may replace a backup, and what the refusal says. */
#include "dump/replacing.h"

#include <string.h>

#include "tests/unit/unit.h"

#define MAY NULL

/* Tables are a letter each: a small one is empty, a big one holds a row, ? was not counted. */
static const struct {
    const char *old; /* NULL: nobody knows what the old backup holds */
    bool verified;
    const char *now;
    const char *words;
} replacements[] = {
    {"AB", true, "AB", MAY},
    {"AB", true, "ABC", MAY},
    {"AB", true, "Ab", MAY},
    {"Ab", true, "AC", MAY}, /* another name, and as many */
    {NULL, false, "A", MAY},
    {"AB", false, "A", MAY},
    {"ab", true, "ab", MAY},
    {"ab", true, "a", "has 1 table, and this dump would replace x.dump, a backup that verified"},
    {"", true, "", MAY},
    {"", true, "a", MAY},
    {"AB", true, "A", "it has lost public.b; if that is intended, --force=empty"},
    {"ABCDEFGHIJKLM", true, "M", "public.i, public.j and 2 more"},
    {"AB", true, "", "the database shop has no tables, and this dump would replace x.dump, a "},
    {"AB", false, "", "no tables, and this dump would replace x.dump, which stays as it is"},
    {NULL, false, "", "no tables"},
    {"ab", false, "", "no tables"},
    {"AB", false, "ab", "no rows"},
    {"A?", false, "ab", "no rows"},
    {NULL, false, "ab", "no rows"},
};

static bool fill(const char *letters, struct table_counts *ret_tables)
{
    bool any = false;
    for (; *letters; letters++) {
        const char name[] = {*letters == '?' ? '_' : (char)(*letters | 0x20), '\0'};
        bool holds = *letters >= 'A' && *letters <= 'Z';
        int64_t rows = *letters == '?' ? NOT_COUNTED : holds;
        table_counts_add(ret_tables, "public", name, rows, rows);
        any = any || rows != 0;
    }
    table_counts_sort(ret_tables);
    return any;
}

START_TEST(only_what_holds_as_much_replaces_a_backup)
{
    struct replaced old = {.path = "x.dump", .verified = replacements[_i].verified};
    struct manifest now = {0};
    struct error error = {.text = ""};
    old.has_tables = replacements[_i].old != NULL;
    old.has_rows = !old.has_tables || fill(replacements[_i].old, &old.tables);
    now.has_rows = fill(replacements[_i].now, &now.tables);
    const char *words = replacements[_i].words;
    ck_assert_int_eq(replacing_check(&old, &now, "shop", &error), words ? -1 : 0);
    ck_assert_msg(!words || strstr(error.text, words), "`%s` lacks `%s`", error.text, words);
    replaced_free(&old);
    manifest_free(&now);
}
END_TEST

Suite *dump_replacing_suite(void)
{
    Suite *suite = suite_create("dump/replacing");
    add_table_test(suite, only_what_holds_as_much_replaces_a_backup, ARRAY_LENGTH(replacements));
    return suite;
}
