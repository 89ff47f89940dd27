#include "shelf/manifest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "shelf/companions.h"
#include "shelf/document.h"
#include "shelf/record.h"
#include "shelf/retention.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define BACKUP  "a_20261122.dump.gz"
#define CURRENT BACKUP ".manifest.json"
#define NEXT    BACKUP ".next.manifest.json"
#define SHA     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct manifest sample(void)
{
    struct manifest manifest = {.backup = xstrdup("a_20261122.dump.gz"),
                                .size_bytes = 940125,
                                .sha256 = SHA,
                                .began = 1795356185,
                                .ended = 1795356190,
                                .program = xstrdup("restore-verifier 0.1.0"),
                                .pg_dump = xstrdup("15.20"),
                                .host = xstrdup("self-hosted"),
                                .server = xstrdup("15.20"),
                                .encoding = xstrdup("UTF8"),
                                .database_bytes = 1LL << 40,
                                .counted = true};
    strings_add(&manifest.extensions, "pg_trgm 1.6");
    strings_add(&manifest.settings, "search_path=app, public");
    strings_add(&manifest.revisions, "t1u2v3w4x5y6");
    table_counts_add(&manifest.tables, "public", "users", 500, 500);
    table_counts_add(&manifest.tables, "public", "events", 0, 70);
    table_counts_add(&manifest.tables, "Straße", "a\"b\\c d", INT64_MAX, INT64_MAX);
    table_counts_add(&manifest.tables, "public", "of_extension", NOT_COUNTED, NOT_COUNTED);
    table_counts_sort(&manifest.tables);
    schema_totals_add(&manifest.schema, "FK CONSTRAINT", 12, SHA);
    schema_totals_add(&manifest.schema, "INDEX", 0, SHA);
    return manifest;
}

START_TEST(a_manifest_comes_back_as_it_was_written)
{
    struct manifest written = sample();
    struct manifest read = {0};
    struct error error;
    cleanup(free_pointer) char *text = manifest_format(&written);
    ck_assert_int_eq(manifest_parse(text, strlen(text), "m", &read, &error), 0);
    cleanup(free_pointer) char *again = manifest_format(&read);
    ck_assert_str_eq(text, again);
    ck_assert_int_eq(read.database_bytes, 1LL << 40);
    ck_assert_int_eq(read.began, 1795356185);
    ck_assert_int_eq(read.ended, 1795356190);
    ck_assert(read.counted);
    ck_assert_str_eq(read.extensions.items[0], "pg_trgm 1.6");
    ck_assert_str_eq(read.settings.items[0], "search_path=app, public");
    ck_assert_str_eq(read.revisions.items[0], "t1u2v3w4x5y6");
    ck_assert_uint_eq(read.tables.count, 4);
    ck_assert_int_eq(table_counts_find(&read.tables, "public", "users")->rows, 500);
    ck_assert_int_eq(table_counts_find(&read.tables, "public", "events")->rows, 0);
    ck_assert_int_eq(table_counts_find(&read.tables, "public", "events")->rows_total, 70);
    ck_assert_int_eq(table_counts_find(&read.tables, "public", "of_extension")->rows, NOT_COUNTED);
    ck_assert_int_eq(table_counts_find(&read.tables, "Straße", "a\"b\\c d")->rows, INT64_MAX);
    ck_assert_ptr_null(table_counts_find(&read.tables, "public", "Users"));
    ck_assert_uint_eq(read.schema.count, 2);
    ck_assert_int_eq(schema_totals_get(&read.schema, "FK CONSTRAINT")->count, 12);
    ck_assert_str_eq(schema_totals_get(&read.schema, "INDEX")->sha256, SHA);
    manifest_free(&written);
    manifest_free(&read);
}
END_TEST

/* One thing of a good manifest replaced by another. */
static const struct {
    const char *find;
    const char *replace;
    enum fault fault; /* 0: it can still be read */
    const char *words;
} changes[] = {
    {"\"version\": 1", "\"version\": 2", FAULT_MACHINE, "newer version of this program"},
    {"\"version\": 1", "\"version\": 0", FAULT_BACKUP, "does not say"},
    {"\"version\": 1", "\"version\": \"1\"", FAULT_BACKUP, "does not say"},
    {"\"version\": 1", "\"version\": 1.0", FAULT_BACKUP, "does not say"},
    {"\"version\": 1", "\"version\": 99999999999999999999", FAULT_BACKUP, "damaged"},
    {"restore-verifier manifest", "restore-verifier record", FAULT_BACKUP, "does not say"},
    {"\"format\"", "\"formal\"", FAULT_BACKUP, "does not say"},
    {"\"size_bytes\": 940125", "\"size_bytes\": -1", FAULT_BACKUP, "\"size_bytes\" is not"},
    {"\"size_bytes\": 940125", "\"size_bytes\": 1e3", FAULT_BACKUP, "\"size_bytes\" is not"},
    {"\"size_bytes\": 940125", "\"size_bytes\": null", FAULT_BACKUP, "\"size_bytes\" is not"},
    {"\"size_bytes\": 940125", "\"size_bytes\": 9223372036854775808", FAULT_BACKUP, "damaged"},
    {"\"size_bytes\": 940125,", "", FAULT_BACKUP, "\"size_bytes\" is not"},
    {"\"size_bytes\"", "\"sha256\": \"x\", \"size_bytes\"", FAULT_BACKUP, "duplicate"},
    {"9abcdef\",", "9abcdeg\",", FAULT_BACKUP, "\"sha256\" is not"},
    {"9abcdef\",", "9ABCDEF\",", FAULT_BACKUP, "\"sha256\" is not"},
    {"9abcdef\",", "9abcde\",", FAULT_BACKUP, "\"sha256\" is not"},
    {"2026-11-22T14:03:05Z", "2026-11-31T14:03:05Z", FAULT_BACKUP, "\"began\" is not a time"},
    {"2026-11-22T14:03:05Z", "2026-11-22T14:03:05", FAULT_BACKUP, "\"began\" is not a time"},
    {"2026-11-22T14:03:05Z", "1926-11-22T14:03:05Z", FAULT_BACKUP, "\"began\" is not a time"},
    {"2026-11-22T14:03:05Z", "2026-11-22 14:03:05Z", FAULT_BACKUP, "\"began\" is not a time"},
    {"\"restore-verifier 0.1.0\"", "[]", FAULT_BACKUP, "\"program\" is not"},
    {"restore-verifier 0.1.0", "a\\u001bb", FAULT_BACKUP, "\"program\" is not a line"},
    {"restore-verifier 0.1.0", "a\\nb", FAULT_BACKUP, "\"program\" is not a line"},
    {"restore-verifier 0.1.0", "a\\u0000b", FAULT_BACKUP, "damaged"},
    {"restore-verifier 0.1.0", "\xff", FAULT_BACKUP, "damaged"},
    {"\"source\": {", "\"source\": [], \"x\": {", FAULT_BACKUP, "\"source\" is not an object"},
    {"\"counted\": true", "\"counted\": 1", FAULT_BACKUP, "\"counted\" is not"},
    {"\"pg_trgm 1.6\"", "7", FAULT_BACKUP, "\"extensions\" is not"},
    {"\"search_path=app, public\"", "7", FAULT_BACKUP, "\"settings\" is not"},
    {"\"settings\"", "\"none of today\"", 0, NULL},
    {"\"users\": 500", "\"users\": -1", FAULT_BACKUP, "\"users\" is not a number of rows"},
    {"\"users\": 500", "\"users\": 500.0", FAULT_BACKUP, "\"users\" is not a number of rows"},
    {"\"users\": 500", "\"users\": \"500\"", FAULT_BACKUP, "\"users\" is not a number of rows"},
    {"\"users\": 500", "\"users\": {\"rows\": 5}", FAULT_BACKUP, "\"users\" is not"},
    {"\"users\": 500", "\"users\": 500, \"users\": 501", FAULT_BACKUP, "duplicate"},
    {"\"public\": {", "\"none\": 5, \"public\": {", FAULT_BACKUP, "\"none\" is not an object"},
    {"\"tables\": {", "\"tables\": 5, \"tables2\": {", FAULT_BACKUP, "\"tables\" is not"},
    {"\"ended\"", "\"a field of tomorrow\": {\"x\": [1]}, \"ended\"", 0, NULL},
    {"\"users\": 500", "\"users\": null", 0, NULL},
};

START_TEST(a_manifest_is_not_trusted)
{
    struct manifest manifest = sample();
    struct manifest read = {0};
    struct error error = {0};
    cleanup(free_pointer) char *good = manifest_format(&manifest);
    const char *place = strstr(good, changes[_i].find);
    ck_assert_ptr_nonnull(place);
    cleanup(free_pointer) char *text =
        xasprintf("%.*s%s%s", (int)(place - good), good, changes[_i].replace,
                  place + strlen(changes[_i].find));
    int result = manifest_parse(text, strlen(text), "m.json", &read, &error);
    if (changes[_i].fault == 0) {
        ck_assert_int_eq(result, 0);
    } else {
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(error.fault, changes[_i].fault);
        ck_assert_msg(starts_with(error.text, "m.json "), "%s", error.text);
        ck_assert_msg(strstr(error.text, changes[_i].words) != NULL, "%s", error.text);
        ck_assert_ptr_null(read.backup); /* untouched */
    }
    manifest_free(&manifest);
    manifest_free(&read);
}
END_TEST

/* Every cut is noticed; none of them, nor any flipped bit, crashes or leaks. */
START_TEST(a_manifest_that_is_cut_or_flipped)
{
    struct manifest manifest = sample();
    cleanup(free_pointer) char *good = manifest_format(&manifest);
    size_t length = strlen(good);
    struct error error;
    for (size_t cut = 0; cut < length - 2; cut++) {
        struct manifest read = {0};
        ck_assert_int_eq(manifest_parse(good, cut, "m", &read, &error), -1);
        ck_assert_int_eq(error.fault, FAULT_BACKUP);
    }
    for (size_t i = 0; i < length * 8; i++) {
        struct manifest read = {0};
        good[i / 8] ^= (char)(1 << (i % 8));
        if (manifest_parse(good, length, "m", &read, &error) == 0)
            manifest_free(&read);
        good[i / 8] ^= (char)(1 << (i % 8));
    }
    manifest_free(&manifest);
}
END_TEST

START_TEST(a_manifest_nested_without_end)
{
    cleanup(free_pointer) char *text = xmalloc(1000001);
    memset(text, '[', 1000000);
    text[1000000] = '\0';
    struct manifest read = {0};
    struct error error;
    ck_assert_int_eq(manifest_parse(text, 1000000, "m", &read, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

START_TEST(what_is_no_manifest_file)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(free_pointer) char *path = xasprintf("%s/m.json", directory);
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(directory);
    struct manifest read = {0};
    struct error error;
    ck_assert_int_eq(manifest_read(shelf, "m.json", &read, &error), 1);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* opening it would wait for ever */
    ck_assert_int_eq(manifest_read(shelf, "m.json", &read, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(manifest_read(shelf, "m.json", &read, &error), -1);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(file_replace(path, "{", 1, &error), 0);
    ck_assert_int_eq(truncate(path, DOCUMENT_LIMIT_BYTES + 1), 0);
    ck_assert_int_eq(manifest_read(shelf, "m.json", &read, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_ptr_nonnull(strstr(error.text, "bytes"));
}
END_TEST

/* Of two manifests the one that fits is taken; when none does, the first, so that it is told. */
START_TEST(an_interrupted_replacement)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, _i == 1);
    struct manifest old = sample();
    struct manifest new = sample();
    struct error error;
    new.size_bytes = 7;
    new.sha256[0] = 'f';
    ck_assert_int_eq(manifest_write(&old, shelf, CURRENT, &error), 0);
    ck_assert_int_eq(manifest_write(&new, shelf, NEXT, &error), 0);
    static const struct {
        int64_t size_bytes;
        const char *sha256;
        int64_t expected;
    } cases[] = {
        {940125, SHA, 940125}, {7, NULL, 7},     {940125, NULL, 940125},
        {8, NULL, 940125},     {7, SHA, 940125},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct manifest read = {0};
        ck_assert_int_eq(
            manifest_select(shelf, BACKUP, cases[i].size_bytes, cases[i].sha256, &read, &error), 0);
        ck_assert_int_eq(read.size_bytes, cases[i].expected);
        manifest_free(&read);
    }
    struct manifest read = {0};
    ck_assert_int_eq(shelf_remove(shelf, CURRENT, &error), 0);
    ck_assert_int_eq(manifest_select(shelf, BACKUP, 7, new.sha256, &read, &error), 0);
    manifest_free(&read);
    ck_assert_int_eq(manifest_select(shelf, BACKUP, 8, NULL, &read, &error), 1);
    manifest_free(&old);
    manifest_free(&new);
}
END_TEST

/* "abc" and "xyz" are two backups of one size; of SHA there is none. */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_XYZ "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282"

/* What the next replacement finds of an interrupted one, and what it must leave for the backup. */
static const struct {
    const char *name, *backup;
    const char *current, *next; /* sha256; NULL: no manifest */
    int64_t current_bytes, next_bytes;
    const char *kept; /* the sha256 in the manifest afterwards */
} replacements[] = {
    {"killed before the name", "abc", SHA_ABC, SHA, 3, 7, SHA_ABC},
    {"killed after it", "abc", SHA, SHA_ABC, 7, 3, SHA_ABC},
    {"before, of one size", "abc", SHA_ABC, SHA_XYZ, 3, 3, SHA_ABC},
    {"after, of one size", "xyz", SHA_ABC, SHA_XYZ, 3, 3, SHA_XYZ},
    {"a backup without manifest", "abc", NULL, SHA_ABC, 0, 3, SHA_ABC},
    {"nothing belongs to it", "changed", SHA_ABC, SHA_XYZ, 3, 3, SHA_ABC},
    {"there was no interruption", "abc", SHA_ABC, NULL, 3, 0, SHA_ABC},
};

static void manifest_put(struct shelf *shelf, const char *name, const char *sha256,
                         int64_t size_bytes)
{
    struct manifest manifest = sample();
    struct error error;
    manifest.size_bytes = size_bytes;
    memcpy(manifest.sha256, sha256 ? sha256 : SHA, sizeof(manifest.sha256));
    ck_assert(!sha256 || manifest_write(&manifest, shelf, name, &error) == 0);
    manifest_free(&manifest);
}

static void manifest_expect(struct shelf *shelf, const char *name, const char *sha256)
{
    struct manifest read = {0};
    struct error error;
    ck_assert_int_eq(manifest_read(shelf, name, &read, &error), 0);
    ck_assert_str_eq(read.sha256, sha256);
    manifest_free(&read);
}

START_TEST(a_replacement_after_an_interrupted_one)
{
    cleanup(scratch_free) char *directory = scratch_new();
    bool as_bucket = _i >= (int)ARRAY_LENGTH(replacements);
    size_t i = (size_t)_i % ARRAY_LENGTH(replacements);
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, as_bucket);
    struct shelf_entry entry;
    struct manifest third = sample();
    struct error error;
    const char *content = replacements[i].backup;
    third.sha256[0] = 'e';
    ck_assert_int_eq(shelf_write(shelf, BACKUP, content, &error), 0);
    manifest_put(shelf, CURRENT, replacements[i].current, replacements[i].current_bytes);
    manifest_put(shelf, NEXT, replacements[i].next, replacements[i].next_bytes);
    ck_assert_msg(companions_before(shelf, BACKUP, NULL, true, &third, &error) == 0, "%s: %s",
                  replacements[i].name, error.text);
    manifest_expect(shelf, CURRENT, replacements[i].kept);
    manifest_expect(shelf, NEXT, third.sha256);
    ck_assert_int_eq(companions_after(shelf, BACKUP, true, &third, &error), 0);
    manifest_expect(shelf, CURRENT, third.sha256);
    ck_assert_int_eq(shelf_look(shelf, NEXT, &entry, &error), 1);
    manifest_free(&third);
}
END_TEST

START_TEST(a_manifest_is_private)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(free_pointer) char *path = xasprintf("%s/m.json", directory);
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(directory);
    struct manifest manifest = sample();
    struct error error;
    struct stat status;
    umask(0);
    ck_assert_int_eq(manifest_write(&manifest, shelf, "m.json", &error), 0);
    ck_assert_int_eq(manifest_write(&manifest, shelf, "m.json", &error),
                     0); /* again, over itself */
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    manifest_free(&manifest);
}
END_TEST

START_TEST(lost_tables_are_named)
{
    struct manifest before = sample();
    struct manifest now = {0};
    struct strings lost = {0};
    table_counts_add(&now.tables, "public", "users", 0, 0);
    table_counts_add(&now.tables, "public", "new", 0, 0);
    table_counts_sort(&now.tables);
    manifest_lost_tables(&before, &now, &lost);
    ck_assert_uint_eq(lost.count, 3);
    ck_assert(strings_contain(&lost, "public.events"));
    ck_assert(!strings_contain(&lost, "public.users"));
    strings_free(&lost);
    manifest_free(&before);
    manifest_free(&now);
}
END_TEST

/* --- records ---------------------------------------------------------------------------------- */

static struct record sample_record(void)
{
    struct record record = {.backup = xstrdup("a.dump"),
                            .verified = 1795356185,
                            .size_bytes = 5,
                            .modified = 1795350000,
                            .sha256 = SHA,
                            .program = xstrdup("restore-verifier 0.1.0"),
                            .server = xstrdup("15.20"),
                            .checks = 6,
                            .warnings = 1};
    table_counts_add(&record.tables, "public", "users", 500, 500);
    return record;
}

static const struct {
    const char *name;
    struct backup_state state;
    int outcome;
    const char *words;
} states[] = {
    {"as it was", {"a.dump", 5, 1795350000}, 0, NULL},
    {"another size", {"a.dump", 6, 1795350000}, -1, "changed after it verified"},
    {"written later", {"a.dump", 5, 1795350001}, -1, "changed after it verified"},
    {"another name", {"b.dump", 5, 1795350000}, -1, "is about a.dump"},
};

START_TEST(a_record_speaks_of_its_backup_alone)
{
    cleanup(scratch_free) char *directory = scratch_new();
    bool as_bucket = _i >= (int)ARRAY_LENGTH(states);
    size_t i = (size_t)_i % ARRAY_LENGTH(states);
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, as_bucket);
    cleanup(free_pointer) char *beside = xasprintf("%s/a.dump.verified.json", directory);
    cleanup(record_places_free) struct record_places places;
    record_places(shelf, "a.dump", "shop", directory, &places);
    struct record written = sample_record();
    struct record read = {0};
    struct error error;
    cleanup(free_pointer) char *path = NULL;
    ck_assert_int_eq(record_read(&places, &states[i].state, &read, &error), 1);
    ck_assert_int_eq(record_write(&written, &places, &path, &error), 0);
    ck_assert_str_eq(path, beside);
    ck_assert_int_eq(record_read(&places, &states[i].state, &read, &error), states[i].outcome);
    if (states[i].words)
        ck_assert_msg(strstr(error.text, states[i].words) != NULL, "%s", error.text);
    else
        ck_assert_int_eq(table_counts_find(&read.tables, "public", "users")->rows, 500);
    ck_assert_int_eq(record_remove(&places, &error), 0);
    record_free(&read);
    ck_assert_int_eq(record_read(&places, &states[i].state, &read, &error), 1);
    ck_assert_int_eq(record_remove(&places, &error), 0);
    record_free(&written);
}
END_TEST

/* Two scenarios look at two databases of one backup. */
START_TEST(each_database_has_a_record_of_its_own)
{
    static const char *const databases[] = {NULL, "shop", "a/b.c \303\244", "verified.json"};
    static const char *const names[] = {"a.dump.verified.json", "a.dump.verified-shop.json",
                                        "a.dump.verified-a%2Fb%2Ec%20%C3%A4.json",
                                        "a.dump.verified-verified%2Ejson.json"};
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, false);
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(databases); i++) {
        cleanup(free_pointer) char *path = NULL;
        cleanup(record_places_free) struct record_places places;
        cleanup(free_pointer) char *backup = companion_backup(names[i]);
        ck_assert_str_eq(backup, "a.dump");
        record_places_of(shelf, "a.dump", "shop", databases[i], directory, &places);
        ck_assert_str_eq(places.beside, names[i]);
        struct record written = sample_record(), read = {0};
        ck_assert_int_eq(record_read(&places, &states[0].state, &read, &error), 1);
        written.database = databases[i] ? xstrdup(databases[i]) : NULL;
        ck_assert_int_eq(record_write(&written, &places, &path, &error), 0);
        ck_assert_int_eq(record_read(&places, &states[0].state, &read, &error), 0);
        ck_assert_pstr_eq(read.database, databases[i]);
        record_free(&read);
        /* Whatever its name says. */
        free(take(&places.database));
        places.database = xstrdup("other");
        ck_assert_int_eq(record_read(&places, &states[0].state, &read, &error), -1);
        ck_assert_ptr_nonnull(strstr(error.text, "another database"));
        record_free(&written);
    }
}
END_TEST

/* The young ones verified for this scenario; what is the last of another's stays. */
START_TEST(a_list_knows_the_last_good_ones_of_others)
{
    static const struct {
        const char *backup, *database;
        const char *last; /* the record by which it is the last of another's */
    } verified[] = {
        {"b_20261120.sql", "shop", NULL},
        {"b_20261119.sql", "crm", "b_20261119.sql.verified-crm.json"},
        {"b_20261118.sql", "crm", NULL},
        {"b_20261117.sql", NULL, "b_20261117.sql.verified.json"},
        {"b_20261116.sql", "shop", NULL},
    };
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, false);
    cleanup(strings_free) struct strings notices = {0};
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(verified); i++) {
        cleanup(free_pointer) char *path = scratch_path(directory, verified[i].backup);
        cleanup(free_pointer) char *written = NULL;
        cleanup(record_places_free) struct record_places places;
        struct shelf_entry entry;
        scratch_write(path, "12345", 0600);
        ck_assert_int_eq(shelf_look(shelf, verified[i].backup, &entry, &error), 0);
        struct record record = sample_record();
        free(record.backup);
        record.backup = xstrdup(verified[i].backup);
        record.modified = entry.modified;
        record.database = verified[i].database ? xstrdup(verified[i].database) : NULL;
        record_places_of(shelf, verified[i].backup, "s", verified[i].database, NULL, &places);
        ck_assert_int_eq(record_write(&record, &places, &written, &error), 0);
        record_free(&record);
    }
    cleanup(retained_list_free) struct retained_list list = {0};
    const struct backup_names names = backup_names_of("b_%Y%m%d.sql");
    ck_assert_int_eq(retained_list_read(shelf, &names, &list, &notices, &error), 0);
    retained_list_prove(&list, "s", "shop", NULL);
    ck_assert_uint_eq(list.count, ARRAY_LENGTH(verified));
    for (size_t i = 0; i < list.count; i++) {
        bool own = verified[i].database && strcmp(verified[i].database, "shop") == 0;
        ck_assert_str_eq(list.items[i].name, verified[i].backup);
        ck_assert_int_eq(list.items[i].verified, own);
        ck_assert_pstr_eq(list.items[i].last_of_other, verified[i].last);
    }
    ck_assert_int_eq(retained_delete(shelf, &list.items[1], "s", "shop", NULL, &error), 0);
    cleanup(free_pointer) char *gone = scratch_path(directory, verified[1].last);
    ck_assert_int_ne(access(gone, F_OK), 0);
}
END_TEST

/* `change` replaces the metrics of a record; what is wrong with it, or NULL. */
static const struct {
    const char *change;
    const char *words;
} metrics[] = {
    {"\"objects\": {\"object_count in \\\"a b\\\"\": 7, \"total_size of copy\": 8}", NULL},
    {"\"objects\": {\"object_count\": -1}", "\"object_count\" is not"},
    {"\"objects\": {\"object_count\": \"7\"}", "\"object_count\" is not"},
    {"\"objects\": [7]", "\"objects\" is not an object"},
};

START_TEST(a_record_holds_what_was_measured_of_objects)
{
    struct record written = sample_record();
    struct record read = {0};
    struct error error = {0};
    cleanup(free_pointer) char *before = record_format(&written);
    ck_assert(!strstr(before, "\"objects\"")); /* as records of before were */
    ck_assert_int_eq(record_parse(before, strlen(before), "r", &read, &error), 0);
    ck_assert_uint_eq(read.object_count, 0);
    ck_assert_ptr_null(record_metric_find(&read, "object_count"));
    record_free(&read);

    record_metric_add(&written, "object_count in \"a b\"", 7);
    record_metric_add(&written, "total_size of copy", INT64_MAX);
    cleanup(free_pointer) char *text = record_format(&written);
    ck_assert_int_eq(record_parse(text, strlen(text), "r", &read, &error), 0);
    ck_assert_uint_eq(read.object_count, 2);
    ck_assert_int_eq(record_metric_find(&read, "object_count in \"a b\"")->value, 7);
    ck_assert_int_eq(record_metric_find(&read, "total_size of copy")->value, INT64_MAX);
    ck_assert_ptr_null(record_metric_find(&read, "total_size"));
    record_free(&read);

    const char *last = strrchr(before, '}');
    cleanup(free_pointer) char *changed =
        xasprintf("%.*s, %s}", (int)(last - before), before, metrics[_i].change);
    int outcome = record_parse(changed, strlen(changed), "r", &read, &error);
    ck_assert_int_eq(outcome, metrics[_i].words ? -1 : 0);
    ck_assert_msg(!metrics[_i].words || strstr(error.text, metrics[_i].words), "%s", error.text);
    record_free(&read);
    record_free(&written);
}
END_TEST

START_TEST(a_record_lies_among_the_reports_when_it_must)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(record_places_free) struct record_places places;
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory("/nonexistent");
    record_places(shelf, "a.dump", "shop", directory, &places);
    struct record written = sample_record();
    struct record read = {0};
    struct error error;
    cleanup(free_pointer) char *path = NULL;
    cleanup(free_pointer) char *expected = xasprintf("%s/shop.a.dump.verified.json", directory);
    ck_assert_int_eq(record_write(&written, &places, &path, &error), 0);
    ck_assert_str_eq(path, expected);
    ck_assert_int_eq(record_read(&places, &states[0].state, &read, &error), 0);
    ck_assert_int_eq(record_remove(&places, &error), 0);
    ck_assert_int_ne(access(expected, F_OK), 0);
    record_free(&read);
    record_free(&written);
}
END_TEST

static const struct {
    const char *find;
    const char *replace;
} record_changes[] = {
    {"\"checks\": 6", "\"checks\": true"},
    {"\"modified\": \"2026", "\"modified\": \"x026"},
    {"\"verified\":", "\"verify\":"},
    {"\"tables\": {", "\"tables\": [], \"t\": {"},
    {"restore-verifier record", "manifest"},
    {"\"sha256\": \"0", "\"sha256\": \""},
    {"\"users\": 500", "\"users\": [500]"},
    {"\"checks\"", "\"database\": 5, \"checks\""},
    {"}", "]"},
};

START_TEST(a_record_is_not_trusted)
{
    struct record record = sample_record();
    struct record read = {0};
    struct error error;
    cleanup(free_pointer) char *good = record_format(&record);
    ck_assert_int_eq(record_parse(good, strlen(good), "r", &read, &error), 0);
    record_free(&read);
    const char *place = strstr(good, record_changes[_i].find);
    ck_assert_ptr_nonnull(place);
    cleanup(free_pointer) char *text =
        xasprintf("%.*s%s%s", (int)(place - good), good, record_changes[_i].replace,
                  place + strlen(record_changes[_i].find));
    ck_assert_int_eq(record_parse(text, strlen(text), "r", &read, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    record_free(&record);
}
END_TEST

static const struct {
    const char *name;
    const char *backup;
} companions[] = {
    {"a.dump.manifest.json", "a.dump"},
    {"a.dump.next.manifest.json", "a.dump"},
    {"a.dump.verified.json", "a.dump"},
    {"a.sql.verified-shop.json", "a.sql"},
    {"a.sql.verified-manifest.json", "a.sql"},
    {"a.verified-b.sql.verified-my%2Eapp.json", "a.verified-b.sql"},
    {"a.sql.verified-shop.x.json", NULL},
    {"a.sql.verified-shop", NULL},
    {"a.dump", NULL},
    {"a.dump.json", NULL},
    {"manifest.json", NULL},
};

START_TEST(companions_are_known_by_their_names)
{
    cleanup(free_pointer) char *backup = companion_backup(companions[_i].name);
    if (companions[_i].backup)
        ck_assert_str_eq(backup, companions[_i].backup);
    else
        ck_assert_ptr_null(backup);
}
END_TEST

Suite *backup_manifest_suite(void)
{
    Suite *suite = suite_create("shelf/manifest");
    add_test(suite, a_manifest_comes_back_as_it_was_written);
    add_table_test(suite, a_manifest_is_not_trusted, ARRAY_LENGTH(changes));
    add_test(suite, a_manifest_that_is_cut_or_flipped);
    add_test(suite, a_manifest_nested_without_end);
    add_test(suite, what_is_no_manifest_file);
    add_table_test(suite, an_interrupted_replacement, 2);
    add_table_test(suite, a_replacement_after_an_interrupted_one, 2 * ARRAY_LENGTH(replacements));
    add_test(suite, a_manifest_is_private);
    add_test(suite, lost_tables_are_named);
    add_test(suite, each_database_has_a_record_of_its_own);
    add_test(suite, a_list_knows_the_last_good_ones_of_others);
    add_table_test(suite, a_record_holds_what_was_measured_of_objects, ARRAY_LENGTH(metrics));
    add_table_test(suite, a_record_speaks_of_its_backup_alone, 2 * ARRAY_LENGTH(states));
    add_test(suite, a_record_lies_among_the_reports_when_it_must);
    add_table_test(suite, a_record_is_not_trusted, ARRAY_LENGTH(record_changes));
    add_table_test(suite, companions_are_known_by_their_names, ARRAY_LENGTH(companions));
    return suite;
}
