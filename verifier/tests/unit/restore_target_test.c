#include "base/restore_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

/* Each list is read as words, in the order of the alphabet, which complete_upto is about. */
START_TEST(lists_are_in_order)
{
    const char *const *names;
    size_t count = restore_target_names(&names);
    ck_assert_uint_ge(count, 8);
    for (size_t i = 0; i < count; i++) {
        const struct restore_target *target = restore_target_find(names[i]);
        ck_assert_str_eq(target->name, names[i]);
        ck_assert(*target->words && *target->as_of);
        cleanup(free_pointer) char *last = xstrdup("");
        for (const char *at = target->extensions; *at; at += strspn(at, " ")) {
            size_t length = strcspn(at, " <>");
            cleanup(free_pointer) char *word = xstrndup(at, length);
            ck_assert_msg(strcmp(last, word) < 0, "%s: %s stands before %s", names[i], last, word);
            free(last);
            last = xstrdup(word);
            at += strcspn(at, " ");
        }
    }
    ck_assert_ptr_null(restore_target_find("heroku"));
}
END_TEST

static const struct {
    const char *target, *extension;
    enum offer offer;
} offers[] = {
    {"neon", "pg_cron", OFFERED},
    {"neon", "pgsodium", NOT_OFFERED},
    {"neon", "pg_cro", NOT_OFFERED},
    {"neon", "", NOT_OFFERED},
    {"supabase", "pgsodium", OFFERED},
    {"render", "pg_cron", NOT_OFFERED},
    {"render", "uuid-ossp", OFFER_NOT_KNOWN},
    {"render", "vector", OFFERED},
    {"rds", "pg_cron", OFFERED},
    {"rds", "age", OFFER_NOT_KNOWN},
    {"vanilla-15", "postgis", NOT_OFFERED},
    {"vanilla-16", "adminpack", OFFERED},
    {"vanilla-17", "adminpack", NOT_OFFERED},
    {"vanilla-17", "pg_logicalinspect", NOT_OFFERED},
    {"vanilla-18", "pg_logicalinspect", OFFERED},
    {"vanilla-18", "xml2", OFFERED},
};

START_TEST(what_is_offered)
{
    const struct restore_target *target = restore_target_find(offers[_i].target);
    ck_assert_int_eq(restore_target_offers(target, offers[_i].extension), offers[_i].offer);
}
END_TEST

START_TEST(what_may_be_made)
{
    ck_assert(restore_target_lets_make(restore_target_find("vanilla-15"), "CAST"));
    ck_assert(restore_target_lets_make(restore_target_find("neon"), "EVENT TRIGGER"));
    ck_assert(!restore_target_lets_make(restore_target_find("neon"), "EVENT"));
    ck_assert(!restore_target_lets_make(restore_target_find("rds"), "EVENT TRIGGER"));
    ck_assert(restore_target_lists(restore_target_find("supabase")->roles, "anon"));
    ck_assert(!restore_target_lists(restore_target_find("supabase")->roles, "ano"));
    ck_assert(!restore_target_lists(restore_target_find("supabase")->roles, ""));
}
END_TEST

Suite *restore_target_suite(void)
{
    Suite *suite = suite_create("base/restore_target");
    add_test(suite, lists_are_in_order);
    add_table_test(suite, what_is_offered, ARRAY_LENGTH(offers));
    add_test(suite, what_may_be_made);
    return suite;
}
