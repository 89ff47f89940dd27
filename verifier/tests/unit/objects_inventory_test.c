/* Also the directory as a store: everything here is done in directories. */
#include "objects/inventory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/unit.h"

struct text_source {
    const char *text;
    size_t left;
};

static int64_t give_text(void *context, void *bytes, size_t size, struct error *error)
{
    (void)error;
    struct text_source *source = context;
    size_t length = source->left < size ? source->left : size;
    memcpy(bytes, source->text, length);
    source->text += length;
    source->left -= length;
    return (int64_t)length;
}

static char *make_directory(void)
{
    char path[] = "/tmp/objects.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    return xstrdup(path);
}

static void put(struct store *store, const char *key, size_t key_length, const char *content)
{
    struct error error = {0};
    struct text_source source = {content, strlen(content)};
    int stored = store_put(store, key, key_length, NO_DEADLINE, give_text, &source, NULL, &error);
    ck_assert_msg(stored == 0, "%s", error.text);
}

static struct store *open_store(const char *path)
{
    struct error error;
    struct store *store = NULL;
    ck_assert_int_eq(store_open(&(struct store_options){.location = path}, &store, &error), 0);
    return store;
}

static struct inventory *read_inventory(struct store *store)
{
    struct error error = {0};
    struct inventory *inventory = NULL;
    int read = inventory_read(store, "", NO_DEADLINE, &inventory, &error);
    ck_assert_msg(read == 0, "%s", error.text);
    return inventory;
}

static const struct {
    const char *key;
    size_t length;
} awkward[] = {
    {"a", 1},
    {"a/b", 3},
    {"a/b/c", 5},
    {"a/", 2},
    {"a//", 3},
    {"/a", 2},
    {"..", 2},
    {"../x", 4},
    {"./.", 3},
    {"a\0b", 3},
    {"%2E%2E", 6},
    {"A", 1},
    {"a%~", 3},
    {"%_", 2},
    {"new\nline", 8},
    {"50%", 3},
    {"caf\xc3\xa9", 5},
    {"cafe\xcc\x81", 6},
    {".restore-verifier-sync.json", 27},
    {" ", 1},
};

START_TEST(awkward_keys_are_kept_apart)
{
    cleanup(free_pointer) char *path = make_directory();
    struct store *store = open_store(path);
    struct error error = {0};
    /* Folders before files, and files before folders. */
    for (size_t i = 0; i < ARRAY_LENGTH(awkward); i++) {
        size_t at = _i ? ARRAY_LENGTH(awkward) - 1 - i : i;
        put(store, awkward[at].key, awkward[at].length, "12345");
        put(store, awkward[at].key, awkward[at].length, "1234"); /* replaced, not doubled */
    }
    struct inventory *inventory = read_inventory(store);
    ck_assert_int_eq(inventory_measured(inventory, "").count, ARRAY_LENGTH(awkward));
    ck_assert_int_eq(inventory_measured(inventory, "").size_bytes, 4 * ARRAY_LENGTH(awkward));
    ck_assert_int_eq(inventory_measured(inventory, "a/").count, 4);
    ck_assert_int_eq(inventory_measured(inventory, "a/").size_bytes, 16);
    for (size_t i = 0; i < ARRAY_LENGTH(awkward); i++)
        ck_assert_ptr_nonnull(inventory_find(inventory, awkward[i].key, awkward[i].length));
    inventory_free(inventory);
    for (size_t i = 0; i < ARRAY_LENGTH(awkward); i++) {
        bool found = false;
        ck_assert_int_eq(
            store_head(store, awkward[i].key, awkward[i].length, NO_DEADLINE, &found, NULL, &error),
            0);
        ck_assert_msg(found, "%s", awkward[i].key);
        ck_assert_int_eq(
            store_delete(store, awkward[i].key, awkward[i].length, NO_DEADLINE, &error), 0);
        ck_assert_int_eq(
            store_head(store, awkward[i].key, awkward[i].length, NO_DEADLINE, &found, NULL, &error),
            0);
        ck_assert(!found);
    }
    ck_assert_int_eq(rmdir(path), 0); /* nothing is left, folders neither */
    store_free(store);
}
END_TEST

/* As on a file system that folds case: a copy's record is found in capitals, too. */
START_TEST(names_that_fold_case_are_read_as_sync_wrote_them)
{
    cleanup(free_pointer) char *path = make_directory();
    cleanup(free_pointer) char *file = xasprintf("%s/%%52eadme", path);
    cleanup(free_pointer) char *record = xasprintf("%s/.restore-verifier-sync.json", path);
    cleanup(free_pointer) char *capitals = xasprintf("%s/.RESTORE-VERIFIER-SYNC.JSON", path);
    struct error error = {0};
    struct store *store = open_store(path);
    ck_assert_int_eq(file_replace(file, "x", 1, &error), 0);
    ck_assert_int_eq(file_replace(record, "{}", 2, &error), 0);
    for (int folds = 0; folds <= 1; folds++) {
        if (folds)
            ck_assert_int_eq(link(record, capitals), 0);
        struct inventory *inventory = read_inventory(store);
        ck_assert((inventory_find(inventory, "Readme", 6) != NULL) == (folds == 1));
        ck_assert((inventory_find(inventory, "%52eadme", 8) != NULL) == (folds == 0));
        inventory_free(inventory);
    }
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
}
END_TEST

START_TEST(two_files_of_one_key_are_an_error)
{
    cleanup(free_pointer) char *path = make_directory();
    cleanup(free_pointer) char *file = xasprintf("%s/a", path);
    cleanup(free_pointer) char *aside = xasprintf("%s/a%%~", path);
    struct error error = {0};
    struct inventory *inventory = NULL;
    struct store *store = open_store(path);
    ck_assert_int_eq(file_replace(file, "x", 1, &error), 0);
    ck_assert_int_eq(file_replace(aside, "y", 1, &error), 0);
    ck_assert_int_eq(inventory_read(store, "", NO_DEADLINE, &inventory, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "holds `a` twice"));
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
}
END_TEST

START_TEST(links_are_not_followed)
{
    cleanup(free_pointer) char *path = make_directory();
    cleanup(free_pointer) char *outside = make_directory();
    cleanup(free_pointer) char *link = xasprintf("%s/link", path);
    cleanup(free_pointer) char *victim = xasprintf("%s/victim", outside);
    struct error error = {0};
    struct store *store = open_store(path);
    ck_assert_int_eq(symlink(outside, link), 0);
    struct text_source source = {"x", 1};
    ck_assert_int_eq(
        store_put(store, "link/victim", 11, NO_DEADLINE, give_text, &source, NULL, &error), -1);
    ck_assert_int_eq(access(victim, F_OK), -1);
    struct objects_measured measured;
    struct strings all = {0};
    strings_add(&all, "");
    ck_assert_int_eq(store_measure(store, &all, NO_DEADLINE, &measured, &error), -1);
    strings_free(&all);
    ck_assert_ptr_nonnull(strstr(error.text, "link"));
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
    ck_assert_int_eq(tree_remove(outside, &error), 0);
}
END_TEST

START_TEST(differences_are_named_and_counted)
{
    cleanup(free_pointer) char *one_path = make_directory();
    cleanup(free_pointer) char *other_path = make_directory();
    struct store *one = open_store(one_path);
    struct store *other = open_store(other_path);
    struct error error;
    put(one, "same", 4, "1");
    put(other, "same", 4, "1");
    put(one, "short", 5, "123");
    put(other, "short", 5, "12");
    put(other, "n\nl", 3, "");
    for (int i = 0; i < 12; i++) {
        cleanup(free_pointer) char *key = xasprintf("only/%d", i);
        put(one, key, strlen(key), "");
    }
    struct inventory *first = read_inventory(one);
    struct inventory *second = read_inventory(other);
    struct difference difference;
    struct inventory_pair pair = {.first = first,
                                  .second = second,
                                  .first_name = "the bucket",
                                  .second_name = "the copy",
                                  .prefix = "",
                                  .since_ms = INT64_MAX};
    inventory_compare(&pair, &difference);
    ck_assert_int_eq(difference.since, 0);
    ck_assert_int_eq(difference.only_in_first, 12);
    ck_assert_int_eq(difference.only_in_second, 1);
    ck_assert_int_eq(difference.other_size, 1);
    ck_assert_uint_eq(difference.named.count, NAMED_LIMIT);
    difference_free(&difference);
    pair = (struct inventory_pair){.first = second,
                                   .second = first,
                                   .first_name = "the copy",
                                   .second_name = "the bucket",
                                   .prefix = "",
                                   .since_ms = INT64_MAX};
    inventory_compare(&pair, &difference);
    ck_assert(strings_contain(&difference.named, "n\\x0al: in the copy only"));
    ck_assert(strings_contain(&difference.named, "short: 2 bytes in the copy, 3 in the bucket"));
    difference_free(&difference);
    pair.prefix = "s";
    pair.since_ms = 0;
    inventory_compare(&pair, &difference);
    ck_assert_int_eq(difference.only_in_first + difference.only_in_second, 0);
    ck_assert_int_eq(difference.other_size, 1);
    ck_assert_int_eq(difference.since, 1);
    ck_assert_str_eq(difference.named.items[0], "short: 2 bytes in the copy, 3 in the bucket, "
                                                "changed after the last sync");
    difference_free(&difference);
    pair = (struct inventory_pair){
        .first = first, .second = first, .first_name = "a", .second_name = "b", .prefix = ""};
    inventory_compare(&pair, &difference);
    ck_assert_int_eq(difference.only_in_first + difference.only_in_second + difference.other_size,
                     0);
    inventory_free(first);
    inventory_free(second);
    store_free(one);
    store_free(other);
    ck_assert_int_eq(tree_remove(one_path, &error), 0);
    ck_assert_int_eq(tree_remove(other_path, &error), 0);
}
END_TEST

static const struct {
    const char *text;
    const char *prefix;
    enum reference reference;
    const char *below; /* NULL: no matter */
} references[] = {
    {"o/p/1.png", "", REFERENCE_FOUND, "o/p/"},
    {"o/p/2.png", "", REFERENCE_MISSING, "o/p/"},
    {"o/p/1.png", "", REFERENCE_ELSEWHERE, "o/x"},
    {"https://s3.example/uploads/o/p/1.png", "", REFERENCE_FOUND, "o/p"},
    {"https://s3.example/uploads/o/p/2.png", "", REFERENCE_MISSING, "o/p"},
    {"https://s3.example/uploads/o/p/1.png", "", REFERENCE_ELSEWHERE, "p"},
    {"live/o/p/1.png", "live/", REFERENCE_FOUND, "o/"},
    {"https://cdn.example", "", REFERENCE_ELSEWHERE, "o/"},
    {"", "", REFERENCE_NONE, "o/"},
    {"o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"o/p/2.png", "", REFERENCE_MISSING, NULL},
    {"", "", REFERENCE_NONE, NULL},
    {"  \n", "", REFERENCE_NONE, NULL},
    {"https://s3.example/uploads/o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"https://uploads.s3.example/o/p/1.png?X-Amz-Signature=1", "", REFERENCE_FOUND, NULL},
    {"HTTP://cdn.example:8080/o/p/1.png#top", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/p/2.png", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example/", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example", "", REFERENCE_MISSING, NULL},
    {"/o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"/uploads/o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/a%20b%2Bc.png", "", REFERENCE_FOUND, NULL},
    {"o/a b+c.png", "", REFERENCE_FOUND, NULL},
    {"o/a%20b%2Bc.png", "", REFERENCE_MISSING, NULL},
    {"live/o/p/1.png", "live/", REFERENCE_FOUND, NULL},
    {"https://s3.example/uploads/live/o/p/1.png", "live/", REFERENCE_FOUND, NULL},
    {"o/p/1.png", "live/", REFERENCE_FOUND, NULL},
    {"dead/o/p/1.png", "live/", REFERENCE_MISSING, NULL},
    {"O/P/1.PNG", "", REFERENCE_MISSING, NULL},
    {"o/p", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example/o/a+b%2Bc.png", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/a+b+c.png", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example/o/a%2520b%252Bc.png", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example/o/p%2f1.png", "", REFERENCE_FOUND, NULL},
    {"https://[::1]:9000/uploads/o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/1%232%3F.png?v=1", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/1#2?.png", "", REFERENCE_FOUND, NULL},
    {"https://cdn.example/o/1#3?.png", "", REFERENCE_MISSING, NULL},
    {"https://cdn.example?at=/o/p/1.png", "", REFERENCE_MISSING, NULL},
    {"s3://uploads/o/p/1.png", "", REFERENCE_FOUND, NULL},
    {"S3://uploads/o/a b+c.png", "", REFERENCE_FOUND, NULL},
    {"s3://uploads/o/a%20b%2Bc.png", "", REFERENCE_MISSING, NULL},
    {"s3://uploads/o/p/2.png", "", REFERENCE_MISSING, NULL},
    {"s3://other/o/p/1.png", "", REFERENCE_MISSING, NULL},
    {"s3://uploads", "", REFERENCE_MISSING, NULL},
    {"s3://uploads/", "", REFERENCE_MISSING, NULL},
    {"s3://uploads/live/o/p/1.png", "live/", REFERENCE_FOUND, NULL},
    {"s3://uploads/o/p/1.png", "live/", REFERENCE_MISSING, NULL},
    {"s3://uploads/o/p/2.png", "", REFERENCE_MISSING, "o/p"},
    {"s3://other/o/p/1.png", "", REFERENCE_ELSEWHERE, "o/p"},
};

START_TEST(references_are_looked_up)
{
    cleanup(free_pointer) char *path = make_directory();
    struct store *store = open_store(path);
    struct error error;
    put(store, "o/p/1.png", 9, "x");
    put(store, "o/a b+c.png", 11, "x");
    put(store, "o/1#2?.png", 10, "x");
    struct inventory *inventory = read_inventory(store);
    const char *text = references[_i].text;
    const struct reference_rules rules = {.bucket = "uploads",
                                          .prefix = references[_i].prefix,
                                          .below =
                                              references[_i].below ? references[_i].below : ""};
    enum reference reference = inventory_refer(inventory, &rules, text, strlen(text));
    ck_assert_msg(reference == references[_i].reference, "`%s`", text);
    struct orphans orphans;
    inventory_orphaned(inventory, "", INT64_MAX, &orphans);
    ck_assert_int_eq(orphans.objects, 3);
    ck_assert_int_eq(orphans.count, reference == REFERENCE_FOUND ? 2 : 3);
    ck_assert_int_eq(orphans.named.count, orphans.count);
    orphans_free(&orphans);
    inventory_free(inventory);
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
}
END_TEST

START_TEST(orphans_are_old_and_below_the_prefix)
{
    cleanup(free_pointer) char *path = make_directory();
    struct store *store = open_store(path);
    struct error error;
    put(store, "a/1", 3, "x");
    put(store, "a/2", 3, "x");
    put(store, "b/1", 3, "x");
    struct inventory *inventory = read_inventory(store);
    int64_t modified_ms = inventory_find(inventory, "a/1", 3)->modified_ms;
    struct orphans orphans;
    inventory_orphaned(inventory, "a/", modified_ms + 60000, &orphans);
    ck_assert_int_eq(orphans.objects, 2);
    ck_assert_int_eq(orphans.count, 2);
    ck_assert_int_eq(orphans.younger, 0);
    orphans_free(&orphans);
    inventory_orphaned(inventory, "", modified_ms - 60000, &orphans);
    ck_assert_int_eq(orphans.objects, 3);
    ck_assert_int_eq(orphans.count, 0);
    ck_assert_int_eq(orphans.younger, 3);
    ck_assert_uint_eq(orphans.named.count, 0);
    orphans_free(&orphans);
    inventory_free(inventory);
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
}
END_TEST

static const struct {
    const char *prefixes[3];
    const char *common;
    int64_t counts[3];
} measures[] = {
    {{""}, "", {4}},
    {{"a/"}, "a/", {2}},
    {{"a/", "ab"}, "a", {2, 1}},
    {{"a/", "b", ""}, "", {2, 1, 4}},
    {{"nothing"}, "nothing", {0}},
};

START_TEST(one_listing_measures_all_prefixes)
{
    cleanup(free_pointer) char *path = make_directory();
    struct store *store = open_store(path);
    struct error error = {0};
    static const char *const present[] = {"a/1", "a/2", "ab", "b"};
    for (size_t i = 0; i < ARRAY_LENGTH(present); i++)
        put(store, present[i], strlen(present[i]), "123");
    cleanup(strings_free) struct strings prefixes = {0};
    for (size_t i = 0; i < 3 && measures[_i].prefixes[i]; i++)
        strings_add(&prefixes, measures[_i].prefixes[i]);
    cleanup(free_pointer) char *common = prefix_common(&prefixes);
    ck_assert_str_eq(common, measures[_i].common);
    struct objects_measured measured[3];
    ck_assert_int_eq(store_measure(store, &prefixes, NO_DEADLINE, measured, &error), 0);
    for (size_t i = 0; i < prefixes.count; i++) {
        ck_assert_int_eq(measured[i].count, measures[_i].counts[i]);
        ck_assert_int_eq(measured[i].size_bytes, 3 * measures[_i].counts[i]);
    }
    store_free(store);
    ck_assert_int_eq(tree_remove(path, &error), 0);
}
END_TEST

static const struct {
    const char *key;
    size_t length;
    const char *printable;
} keys[] = {
    {"a/b", 3, "a/b"},
    {"a\0\n\x1b", 4, "a\\x00\\x0a\\x1b"},
    {"\xc3\xa4\xf0\x9f\x98\x80", 6, "\xc3\xa4\xf0\x9f\x98\x80"},
    {"\xff\xc3", 2, "\\xff\\xc3"},
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
    {"\xc2\x85", 2, "\\xc2\\x85"},
    {"\xc0\x80", 2, "\\xc0\\x80"},
};

START_TEST(keys_are_printable)
{
    cleanup(free_pointer) char *text = key_printable(keys[_i].key, keys[_i].length);
    ck_assert_str_eq(text, keys[_i].printable);
}
END_TEST

Suite *objects_inventory_suite(void)
{
    Suite *suite = suite_create("objects/inventory");
    add_table_test(suite, awkward_keys_are_kept_apart, 2);
    add_test(suite, names_that_fold_case_are_read_as_sync_wrote_them);
    add_test(suite, two_files_of_one_key_are_an_error);
    add_test(suite, links_are_not_followed);
    add_test(suite, differences_are_named_and_counted);
    add_table_test(suite, references_are_looked_up, ARRAY_LENGTH(references));
    add_test(suite, orphans_are_old_and_below_the_prefix);
    add_table_test(suite, one_listing_measures_all_prefixes, ARRAY_LENGTH(measures));
    add_table_test(suite, keys_are_printable, ARRAY_LENGTH(keys));
    return suite;
}
