#include "objects/file_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

#define TEN      "0123456789"
#define FIFTY    TEN TEN TEN TEN TEN
#define NAME_250 FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct {
    const char *key;
    size_t length; /* 0: that of the text */
    const char *file_name;
    const char *folding; /* where case does not count; NULL: the same */
} names[] = {
    {"a.png", 0, "a.png", NULL},
    {"a/b c+d&e.png", 0, "a/b c+d&e.png", NULL},
    {"50%.png", 0, "50%25.png", NULL},
    {"a%2Fb", 0, "a%252Fb", "a%252%46b"},
    {".", 0, "%2E", NULL},
    {"..", 0, "%2E%2E", NULL},
    {"a/../b", 0, "a/%2E%2E/b", NULL},
    {"../../etc/passwd", 0, "%2E%2E/%2E%2E/etc/passwd", NULL},
    {"...", 0, "...", NULL},
    {".hidden/..b", 0, ".hidden/..b", NULL},
    {"/etc/passwd", 0, "%_/etc/passwd", NULL},
    {"a//b", 0, "a/%_/b", NULL},
    {"a/", 0, "a/%_", NULL},
    {"/", 0, "%_/%_", NULL},
    {"%_", 0, "%25_", NULL},
    {"a%~", 0, "a%25~", NULL},
    {"a%-/b", 0, "a%25-/b", NULL},
    {"a\0b", 3, "a%00b", NULL},
    {"a\nb\x7f\t", 0, "a%0Ab%7F%09", NULL},
    {".restore-verifier-sync.json", 0, "%2Erestore-verifier-sync.json", NULL},
    {".Restore-Verifier", 0, "%2ERestore-Verifier", "%2E%52estore-%56erifier"},
    {"a/.restore-verifier", 0, "a/.restore-verifier", NULL},
    {"README", 0, "README", "%52%45%41%44%4D%45"},
    {"\xc3\xa4", 0, "\xc3\xa4", "%C3%A4"},
    {"\xf0\x9f\x98\x80", 0, "\xf0\x9f\x98\x80", "%F0%9F%98%80"},
    {NAME_250, 0, NAME_250, NULL},
    {NAME_250 "abcd", 0, NAME_250 "abc%-/d", NULL},
    {NAME_250 "abc..", 0, NAME_250 "abc%-/%2E%2E", NULL},
    {NAME_250 "ab%", 0, NAME_250 "ab%-/%25", NULL},
};

static void assert_names(const char *key, size_t length, bool folds_case, const char *expected)
{
    cleanup(free_pointer) char *file_name = file_name_of_key(key, length, folds_case);
    if (expected)
        ck_assert_str_eq(file_name, expected);
    struct buffer back;
    bool yields;
    buffer_init(&back, 100000);
    key_of_file_name(file_name, folds_case, &back, &yields);
    ck_assert_uint_eq(back.length, length);
    ck_assert_mem_eq(back.data, key, length);
    ck_assert(!yields);
    /* The same beside a folder of its name. */
    cleanup(free_pointer) char *aside = xasprintf("%s%%~", file_name);
    key_of_file_name(aside, folds_case, &back, &yields);
    ck_assert_uint_eq(back.length, length);
    ck_assert_mem_eq(back.data, key, length);
    ck_assert(yields);
    buffer_free(&back);
}

START_TEST(keys_become_names_and_keys_again)
{
    size_t length = names[_i].length ? names[_i].length : strlen(names[_i].key);
    assert_names(names[_i].key, length, false, names[_i].file_name);
    assert_names(names[_i].key, length, true,
                 names[_i].folding ? names[_i].folding : names[_i].file_name);
}
END_TEST

static void assert_harmless(const char *file_name)
{
    ck_assert_msg(*file_name != '\0' && *file_name != '/', "%s", file_name);
    for (const char *part = file_name; part;
         part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        ck_assert_msg(length > 0 && length <= FILE_NAME_LIMIT - (part[length] ? 0 : 2), "%s",
                      file_name);
        ck_assert_msg(!(length == 1 && part[0] == '.'), "%s", file_name);
        ck_assert_msg(!(length == 2 && part[0] == '.' && part[1] == '.'), "%s", file_name);
    }
}

/* Keys made of what is difficult: every one comes back, and none leaves the directory. */
START_TEST(no_key_leaves_the_directory)
{
    static const char *const pieces[] = {
        "/",  ".",  "..",   "%",  "a",      "%2E", "%_",
        "%-", "%~", "\xff", "\n", NAME_250, "A",   ".restore-verifier"};
    unsigned random = 1;
    for (int i = 0; i < 20000; i++) {
        char key[1025];
        size_t length = 0;
        for (int j = 0; j < 1 + i % 9; j++) {
            random = random * 1103515245 + 12345;
            const char *piece = pieces[random / 65536 % ARRAY_LENGTH(pieces)];
            if (length + strlen(piece) > 1024)
                break;
            memcpy(key + length, piece, strlen(piece));
            length += strlen(piece);
        }
        cleanup(free_pointer) char *file_name = file_name_of_key(key, length, i % 2);
        assert_harmless(file_name);
        assert_names(key, length, i % 2, NULL);
    }
}
END_TEST

/* Of copies that other programs made: names that stand for themselves. */
static const char *const foreign[] = {"50%.png", "a%20b", "%",      "a%2Fb",
                                      "%2e%2e",  "a%00",  "x%-/y/", "%41"};

START_TEST(names_of_others_stand_for_themselves)
{
    struct buffer key;
    buffer_init(&key, 1000);
    key_of_file_name(foreign[_i], false, &key, NULL);
    if (strcmp(foreign[_i], "a%00") == 0) /* sync could have written that */
        ck_assert_uint_eq(key.length, 2);
    else
        ck_assert_str_eq(key.data, foreign[_i]);
    buffer_free(&key);
}
END_TEST

Suite *objects_file_name_suite(void)
{
    Suite *suite = suite_create("objects/file_name");
    add_table_test(suite, keys_become_names_and_keys_again, ARRAY_LENGTH(names));
    add_test(suite, no_key_leaves_the_directory);
    add_table_test(suite, names_of_others_stand_for_themselves, ARRAY_LENGTH(foreign));
    return suite;
}
