#include "base/memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

START_TEST(a_list_of_strings_owns_and_ends_them)
{
    struct strings list = {0};
    ck_assert_ptr_null(strings_argv(&list)[0]);
    ck_assert(!strings_contain(&list, ""));
    char text[] = "first";
    strings_add(&list, text);
    text[0] = 'F';
    strings_addf(&list, "%s %d", "second", 2);
    for (int i = 0; i < 100; i++)
        strings_addf(&list, "%d", i);
    ck_assert_uint_eq(list.count, 102);
    const char *const *argv = strings_argv(&list);
    ck_assert_str_eq(argv[0], "first");
    ck_assert_str_eq(argv[1], "second 2");
    ck_assert_str_eq(argv[101], "99");
    ck_assert_ptr_null(argv[102]);
    ck_assert(strings_contain(&list, "first") && strings_contain(&list, "99"));
    ck_assert(!strings_contain(&list, "firs") && !strings_contain(&list, "100"));
    strings_free(&list);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.items);
    strings_free(&list);
}
END_TEST

static const struct {
    const char *text;
    const char *part;
    bool starts;
    bool ends;
} parts[] = {
    {"abc", "", true, true},       {"", "", true, true},          {"", "a", false, false},
    {"abc", "ab", true, false},    {"abc", "bc", false, true},    {"abc", "abc", true, true},
    {"abc", "abcd", false, false}, {"abc", "xabc", false, false}, {"aXa", "a", true, true},
    {"abc", "b", false, false},
};

START_TEST(starts_and_ends)
{
    ck_assert_int_eq(starts_with(parts[_i].text, parts[_i].part), parts[_i].starts);
    ck_assert_int_eq(ends_with(parts[_i].text, parts[_i].part), parts[_i].ends);
}
END_TEST

START_TEST(nothing_is_still_memory)
{
    cleanup(free_pointer) void *none = xmalloc(0);
    cleanup(free_pointer) void *zero = xcalloc(0, 0);
    cleanup(free_pointer) char *part = xstrndup("abc", 2);
    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_nonnull(zero);
    ck_assert_str_eq(part, "ab");
}
END_TEST

START_TEST(taking_leaves_nothing_behind)
{
    cleanup(free_pointer) char *text = xstrdup("text");
    cleanup(free_pointer) char *taken = take(&text);
    ck_assert_ptr_null(text);
    ck_assert_str_eq(taken, "text");
}
END_TEST

START_TEST(a_descriptor_is_closed_with_its_scope)
{
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    {
        cleanup(close_descriptor) int scoped = descriptor;
        cleanup(close_descriptor) int none = -1;
        ck_assert_int_ge(fcntl(scoped, F_GETFD), 0);
        ck_assert_int_lt(none, 0);
    }
    ck_assert_int_eq(fcntl(descriptor, F_GETFD), -1);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
/* Volatile, or the compiler would warn of what is meant to fail. */
static volatile size_t huge = SIZE_MAX;

/* These end with exit code 2: see memory_suite. */
START_TEST(missing_memory_ends_the_process)
{
    close(STDERR_FILENO); /* its last words are expected */
    switch (_i) {
    case 0:
        xmalloc(huge);
        break;
    case 1:
        xcalloc(huge, 2);
        break;
    default:
        xreallocarray(NULL, huge, 16);
        break;
    }
}
END_TEST

#endif

Suite *memory_suite(void)
{
    Suite *suite = suite_create("base/memory");
    add_test(suite, a_list_of_strings_owns_and_ends_them);
    add_table_test(suite, starts_and_ends, ARRAY_LENGTH(parts));
    add_test(suite, nothing_is_still_memory);
    add_test(suite, taking_leaves_nothing_behind);
    add_test(suite, a_descriptor_is_closed_with_its_scope);
#ifndef __SANITIZE_ADDRESS__ /* whose allocator ends the process itself */
    TCase *deaths = tcase_create("missing_memory_ends_the_process");
    tcase_add_loop_exit_test(deaths, missing_memory_ends_the_process, 2, 0, 3);
    suite_add_tcase(suite, deaths);
#endif
    return suite;
}
