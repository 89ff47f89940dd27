#include "scenario/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenario/quantity.h"
#include "tests/unit/unit.h"

static char *environment(const char *name)
{
    static const char *const variables[][2] = {
        {"SET", "value"}, {"EMPTY", ""}, {"TRICKY", "${SET}: [x"}, {"_a1", "ok"}};
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        if (strcmp(variables[i][0], name) != 0)
            continue;
        static char copy[32];
        return strcpy(copy, variables[i][1]);
    }
    return NULL;
}

static const struct {
    const char *text;
    const char *replaced;
} replaced[] = {
    {"", ""},
    {"plain", "plain"},
    {"${SET}", "value"},
    {"a${SET}b${_a1}c", "avaluebokc"},
    {"${EMPTY}", ""},
    {"${EMPTY:-default}", "default"},
    {"${UNSET:-}", ""},
    {"${UNSET:-./backups}", "./backups"},
    {"${SET:-default}", "value"},
    {"${UNSET:-a b:-c}", "a b:-c"},
    {"${TRICKY}", "${SET}: [x"},
    {"$${SET}", "${SET}"},
    {"$$${SET}", "$${SET}"},
    {"cost: 5$", "cost: 5$"},
    {"$SET $ $$ $$body$$", "$SET $ $$ $$body$$"},
    {"}{", "}{"},
    {"a${migration.url:postgresql+asyncpg}b", "a\x01migration.url:postgresql+asyncpg\x02"
                                              "b"},
    {"$${migration.url}", "${migration.url}"},
};

static void tell_none(void *context, size_t offset, const char *words)
{
    (void)context;
    ck_abort_msg("problem at %zu: %s", offset, words);
}

START_TEST(variables_are_replaced)
{
    char *text = NULL;
    ck_assert_int_eq(variables_replace(replaced[_i].text, 1000, "migration", environment, &text,
                                       tell_none, NULL),
                     0);
    ck_assert_str_eq(text, replaced[_i].replaced);
    free(text);
}
END_TEST

struct told {
    size_t count;
    size_t offset; /* of the last */
    char words[256];
};

static void tell(void *context, size_t offset, const char *words)
{
    struct told *told = context;
    told->count++;
    told->offset = offset;
    strncpy(told->words, words, sizeof(told->words) - 1);
}

static const struct {
    const char *text;
    size_t problems;
    size_t offset;
    const char *words;
} refused[] = {
    {"${UNSET}", 1, 0, "`UNSET` is not set"},
    {"${UNSET} and ${OTHER}", 2, 13, "`OTHER` is not set"},
    {"x${SET", 1, 1, "`${` without `}`"},
    {"${}", 1, 0, "neither ${NAME} nor"},
    {"${1A}", 1, 0, "neither ${NAME} nor"},
    {"${SET-x}", 1, 0, "neither ${NAME} nor"},
    {"${SET:?x}", 1, 0, "neither ${NAME} nor"},
    {"${ SET}", 1, 0, "neither ${NAME} nor"},
    {"${UNSET:-${SET}}", 1, 0, "cannot hold another"},
    {"a${migration.url}", 1, 1, "under `migration` only"},
    {"12345678901234567890", 1, 0, "longer than"},
    {"${SET}${SET}${SET}${SET}", 1, 18, "`SET` is too long"},
};

START_TEST(what_cannot_be_replaced_is_told)
{
    struct told told = {0};
    char *text = NULL;
    ck_assert_int_eq(
        variables_replace(refused[_i].text, 19, "tables", environment, &text, tell, &told), -1);
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(told.count, refused[_i].problems);
    ck_assert_uint_eq(told.offset, refused[_i].offset);
    ck_assert_msg(strstr(told.words, refused[_i].words), "%s", told.words);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds; /* -1: refused */
} durations[] = {
    {"90s", 90},     {"30m", 1800}, {"26h", 93600}, {"30d", 2592000}, {"36500d", 3153600000},
    {"36501d", -1},  {"0s", -1},    {"-1h", -1},    {"+1h", -1},      {"1.5h", -1},
    {"26", -1},      {"500ms", -1}, {"5000ms", -1}, {"h", -1},        {"26 h", -1},
    {"26hours", -1}, {"26H", -1},   {"1h30m", -1},  {"26MB", -1},     {"99999999999999999999d", -1},
    {"", -1},
};

START_TEST(durations_are_parsed)
{
    int64_t seconds = -1;
    int result = duration_parse(durations[_i].text, &seconds);
    ck_assert_int_eq(result, durations[_i].seconds < 0 ? -1 : 0);
    ck_assert_int_eq(seconds, durations[_i].seconds);
}
END_TEST

Suite *scenario_variables_suite(void)
{
    Suite *suite = suite_create("scenario/variables");
    add_table_test(suite, variables_are_replaced, ARRAY_LENGTH(replaced));
    add_table_test(suite, what_cannot_be_replaced_is_told, ARRAY_LENGTH(refused));
    add_table_test(suite, durations_are_parsed, ARRAY_LENGTH(durations));
    return suite;
}
