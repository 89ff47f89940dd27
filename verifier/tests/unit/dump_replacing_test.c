/* What may replace a backup, and what the refusal says. */
#include "dump/replacing.h"

#include <string.h>

#include "base/memory.h"
#include "shelf/record.h"
#include "tests/unit/scratch.h"
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

/* Of the tables of several databases a record tells nothing, which is no word of there being none.
 */
START_TEST(what_a_record_tells_of_the_backup)
{
    static const struct {
        const char *database, *databases;
        bool has_tables, has_rows;
    } records[] = {
        {NULL, NULL, true, true}, {"shop", NULL, true, true}, {NULL, "shop", false, true}};
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, false);
    cleanup(record_places_free) struct record_places places;
    cleanup(replaced_free) struct replaced replaced = {0};
    cleanup(free_pointer) char *path = NULL;
    struct shelf_entry entry = {.name = "a.dump", .size_bytes = 5, .modified = 1795350000};
    struct error error;
    struct record record = {.backup = xstrdup(entry.name),
                            .verified = 1795356185,
                            .size_bytes = entry.size_bytes,
                            .modified = entry.modified,
                            .program = xstrdup("restore-verifier 0.1.0"),
                            .server = xstrdup("15.20")};
    memset(record.sha256, '0', SHA256_HEX_SIZE - 1);
    if (records[_i].database)
        record.database = xstrdup(records[_i].database);
    if (records[_i].databases)
        strings_add(&record.databases, records[_i].databases);
    else
        table_counts_add(&record.tables, "public", "users", 1, 1);
    record_places_of(shelf, entry.name, "s", record.database, NULL, &places);
    ck_assert_int_eq(record_write(&record, &places, &path, &error), 0);
    replaced_read(shelf, &entry, "s", records[_i].database, NULL, &replaced);
    ck_assert(replaced.verified);
    ck_assert_int_eq(replaced.has_tables, records[_i].has_tables);
    ck_assert_int_eq(replaced.has_rows, records[_i].has_rows);
    record_free(&record);
}
END_TEST

Suite *dump_replacing_suite(void)
{
    Suite *suite = suite_create("dump/replacing");
    add_table_test(suite, what_a_record_tells_of_the_backup, 3);
    add_table_test(suite, only_what_holds_as_much_replaces_a_backup, ARRAY_LENGTH(replacements));
    return suite;
}
