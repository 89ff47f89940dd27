#include "commands/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/jobs.h"
#include "commands/options.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* --- which one this is ------------------------------------------------------------------------ */

static const struct {
    const char *text;
    struct shard shard; /* 0/0: refused */
} spellings[] = {
    {"1/1", {1, 1}},
    {"3/8", {3, 8}},
    {"8/8", {8, 8}},
    {"4096/4096", {4096, 4096}},
    {"0/8", {0, 0}},
    {"9/8", {0, 0}},
    {"1/0", {0, 0}},
    {"1/4097", {0, 0}},
    {"-1/8", {0, 0}},
    {"1", {0, 0}},
    {"1/", {0, 0}},
    {"/8", {0, 0}},
    {"", {0, 0}},
    {"1/8/2", {0, 0}},
    {"1 /8", {0, 0}},
    {"a/b", {0, 0}},
    {"+1/8", {0, 0}},
    {"99999999999/8", {0, 0}},
    {"1/99999999999", {0, 0}},
};

START_TEST(a_shard_is_a_number_of_a_number)
{
    struct error error;
    struct shard shard = {0};
    int parsed = shard_parse(spellings[_i].text, &shard, &error);
    ck_assert_msg((parsed == 0) == (spellings[_i].shard.count > 0), "`%s`", spellings[_i].text);
    ck_assert_int_eq(shard.index, spellings[_i].shard.index);
    ck_assert_int_eq(shard.count, spellings[_i].shard.count);
    ck_assert(parsed == 0 || strstr(error.text, "such as 3/8"));
}
END_TEST

#define SLURM(id, count, low, high)                                                                \
    "SLURM_ARRAY_TASK_ID=" id, "SLURM_ARRAY_TASK_COUNT=" count, "SLURM_ARRAY_TASK_MIN=" low,       \
        "SLURM_ARRAY_TASK_MAX=" high

static const struct {
    const char *variables[8];
    struct shard shard;
    const char *words; /* of the refusal */
} surroundings[] = {
    {{NULL}, {0, 0}, "no engine tells"},
    {{"CI_NODE_INDEX=3", "CI_NODE_TOTAL=8"}, {3, 8}, NULL},
    {{"CI_NODE_TOTAL=1"}, {1, 1}, NULL},
    {{"CI_NODE_TOTAL=8"}, {0, 0}, "CI_NODE_TOTAL is set and CI_NODE_INDEX is not"},
    {{"CI_NODE_INDEX=0", "CI_NODE_TOTAL=8"}, {0, 0}, "CI_NODE_INDEX=0 and CI_NODE_TOTAL=8"},
    {{"CI_NODE_INDEX=", "CI_NODE_TOTAL=8"}, {0, 0}, "name no shard"},
    {{"JOB_COMPLETION_INDEX=0", "JOB_COMPLETIONS=4"}, {1, 4}, NULL},
    {{"JOB_COMPLETION_INDEX=3", "JOB_COMPLETIONS=4"}, {4, 4}, NULL},
    {{"JOB_COMPLETION_INDEX=4", "JOB_COMPLETIONS=4"}, {0, 0}, "name no shard"},
    {{"JOB_COMPLETION_INDEX=0"}, {0, 0}, "JOB_COMPLETIONS is not: set both"},
    {{"JOB_COMPLETIONS=4"}, {0, 0}, "JOB_COMPLETION_INDEX is not"},
    {{SLURM("0", "8", "0", "7")}, {1, 8}, NULL},
    {{SLURM("8", "8", "1", "8")}, {8, 8}, NULL},
    {{SLURM("4", "4", "0", "6"), "SLURM_ARRAY_TASK_STEP=2"}, {3, 4}, NULL},
    {{SLURM("5", "2", "3", "5")}, {0, 0}, "$SLURM_ARRAY_TASK_ID/N"},
    {{SLURM("5", "2", "3", "5"), "SLURM_ARRAY_TASK_STEP=0"}, {0, 0}, "$SLURM_ARRAY_TASK_ID/N"},
    {{"SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_COUNT=8"}, {0, 0}, "do not follow one another"},
    {{"SLURM_ARRAY_TASK_ID=3"}, {0, 0}, "SLURM_ARRAY_TASK_COUNT is not"},
    {{"CIRCLE_NODE_INDEX=0", "CIRCLE_NODE_TOTAL=2"}, {1, 2}, NULL},
    {{"CIRCLE_NODE_INDEX=0", "CIRCLE_NODE_TOTAL=1"}, {1, 1}, NULL},
    {{"BUILDKITE_PARALLEL_JOB=1", "BUILDKITE_PARALLEL_JOB_COUNT=2"}, {2, 2}, NULL},
    {{"CIRCLE_NODE_INDEX=1", "CIRCLE_NODE_TOTAL=2", "CI_NODE_INDEX=2", "CI_NODE_TOTAL=2"},
     {2, 2},
     NULL},
    {{"CIRCLE_NODE_INDEX=0", "CIRCLE_NODE_TOTAL=2", "CI_NODE_INDEX=2", "CI_NODE_TOTAL=2"},
     {0, 0},
     "GitLab says that this is shard 2/2, and CircleCI that it is 1/2"},
    {{"CI_NODE_TOTAL=1", "JOB_COMPLETION_INDEX=1", "JOB_COMPLETIONS=4"}, {0, 0}, "write I/N"},
};

static int surroundings_index;

static char *look(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < 8; i++) {
        const char *set = surroundings[surroundings_index].variables[i];
        if (set && strncmp(set, name, length) == 0 && set[length] == '=')
            return (char *)(uintptr_t)(set + length + 1);
    }
    return NULL;
}

START_TEST(an_engine_tells_which_shard_it_is)
{
    struct error error;
    struct shard shard = {0};
    surroundings_index = _i;
    int told = shard_from_environment(look, &shard, &error);
    ck_assert_msg((told == 0) == !surroundings[_i].words, "%d: %s", _i, told < 0 ? error.text : "");
    ck_assert_int_eq(shard.index, surroundings[_i].shard.index);
    ck_assert_int_eq(shard.count, surroundings[_i].shard.count);
    if (told < 0)
        ck_assert_msg(strstr(error.text, surroundings[_i].words), "%s", error.text);
}
END_TEST

/* --- the split -------------------------------------------------------------------------------- */

enum { NAMES = 500 };

static void make_names(struct strings *names, bool backwards)
{
    for (int i = 0; i < NAMES; i++)
        strings_addf(names, "shop-%03d", backwards ? NAMES - 1 - i : i);
}

/* Every third takes ten times as long; some have no duration. */
static void make_durations(const char *directory, struct durations *ret_durations)
{
    struct error error;
    cleanup(free_pointer) char *path = scratch_path(directory, "durations");
    FILE *file = fopen(path, "w");
    fputs("# NAME SECONDS\n\n", file);
    for (int i = 0; i < NAMES - 50; i++)
        fprintf(file, "shop-%03d %s\n", i, i % 3 == 0 ? "10.5" : "1");
    fclose(file);
    ck_assert_int_eq(durations_read(path, ret_durations, &error), 0);
    ck_assert_int_eq(ret_durations->ms[0], 10500);
}

static const int shard_counts[] = {1, 2, 3, 7, 8, 50, 499, 600};

/* Each has exactly one shard by being given one number; that the number is the same whoever asks,
 * and in whatever order, is what makes shards disjoint and complete. */
static void assert_stable(const struct durations *durations, int shards, int *ret_most)
{
    cleanup(strings_free) struct strings names = {0};
    cleanup(strings_free) struct strings reverse = {0};
    int one[NAMES];
    int other[NAMES];
    char digest[SPLIT_SIZE];
    char same_digest[SPLIT_SIZE];
    cleanup(free_pointer) int *counts = calloc((size_t)shards + 1, sizeof(int));
    make_names(&names, false);
    make_names(&reverse, true);
    shard_split(&names, durations, shards, one);
    shard_split(&reverse, durations, shards, other);
    *ret_most = 0;
    for (int i = 0; i < NAMES; i++) {
        ck_assert(one[i] >= 1 && one[i] <= shards);
        ck_assert_int_eq(one[i], other[NAMES - 1 - i]);
        if (++counts[one[i]] > *ret_most)
            *ret_most = counts[one[i]];
    }
    shard_split_digest(&names, one, digest);
    shard_split_digest(&reverse, other, same_digest);
    ck_assert_str_eq(digest, same_digest);
    one[7] = one[7] % shards + 1;
    shard_split_digest(&names, one, same_digest);
    ck_assert(shards == 1 || strcmp(digest, same_digest) != 0);
}

START_TEST(shards_by_name_are_the_same_for_all)
{
    const int shards = shard_counts[_i];
    int most;
    assert_stable(NULL, shards, &most);
    ck_assert_int_le(most, NAMES / shards * 3 / 2 + 8);
}
END_TEST

START_TEST(shards_by_duration_are_the_same_for_all)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct durations durations;
    int most;
    make_durations(scratch, &durations);
    assert_stable(&durations, shard_counts[_i], &most);
    durations_free(&durations);
}
END_TEST

/* The shard of a name is its own: no other scenario that comes or goes moves it. */
START_TEST(by_name_no_scenario_moves_another)
{
    cleanup(strings_free) struct strings names = {0};
    cleanup(strings_free) struct strings few = {0};
    int all[NAMES];
    int one;
    make_names(&names, false);
    shard_split(&names, NULL, 8, all);
    for (size_t i = 0; i < NAMES; i += 7) {
        struct strings alone = {&names.items[i], 1};
        shard_split(&alone, NULL, 8, &one);
        ck_assert_int_eq(one, all[i]);
    }
    strings_add(&few, "SHOP-003"); /* reports have one name for both */
    shard_split(&few, NULL, 8, &one);
    ck_assert_int_eq(one, all[3]);
}
END_TEST

/* Written down, so that a newer version splits as an older one does. */
START_TEST(the_hash_stays_what_it_is)
{
    static const char *const texts[] = {"bugspark", "shop", "a", "orders_eu-1"};
    cleanup(strings_free) struct strings names = {0};
    int shards[4];
    for (size_t i = 0; i < 4; i++)
        strings_add(&names, texts[i]);
    shard_split(&names, NULL, 1000, shards);
    ck_assert_int_eq(shards[0], 887);
    ck_assert_int_eq(shards[1], 108);
    ck_assert_int_eq(shards[2], 141);
    ck_assert_int_eq(shards[3], 305);
}
END_TEST

START_TEST(by_duration_shards_take_equally_long)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(strings_free) struct strings names = {0};
    struct durations durations;
    int shards[NAMES];
    int64_t sums[9] = {0};
    make_durations(scratch, &durations);
    make_names(&names, false);
    shard_split(&names, &durations, 8, shards);
    for (int i = 0; i < NAMES; i++)
        sums[shards[i]] += i >= NAMES - 50 ? durations.mean_ms : i % 3 == 0 ? 10500 : 1000;
    for (int i = 2; i <= 8; i++)
        ck_assert_int_le(llabs(sums[i] - sums[1]), 2000);
    durations_free(&durations);
}
END_TEST

static const struct {
    const char *text;
    const char *words; /* NULL: it is taken */
} files[] = {
    {"", NULL},
    {"# nothing\n\n", NULL},
    {"shop 1\nshop 2.5\r\n", NULL},
    {"  shop\t0  \n", NULL},
    {"shop\n", ":1: expected"},
    {"a 1\nb one\n", ":2: expected"},
    {"shop -1\n", ":1: expected"},
    {"shop 1 2\n", ":1: expected"},
    {"shop nan\n", ":1: expected"},
    {"shop 1.2.3\n", ":1: expected"},
    {"shop 99999999999999999999\n", ":1: expected"},
};

START_TEST(durations_are_read_or_refused)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "durations");
    struct durations durations = {0};
    struct error error;
    scratch_write(path, files[_i].text, 0644);
    int read = durations_read(path, &durations, &error);
    ck_assert_msg((read == 0) == !files[_i].words, "%d: %s", _i, read < 0 ? error.text : "");
    ck_assert(read == 0 ? durations.mean_ms > 0 : strstr(error.text, files[_i].words) != NULL);
    durations_free(&durations);
}
END_TEST

/* --- how many at a time ----------------------------------------------------------------------- */

#define MIB ((int64_t)1 << 20)

static const struct {
    struct machine machine;
    int wanted;
    size_t scenarios;
    int jobs;
} machines[] = {
    {{8, 64000 * MIB}, 0, 100, 1},
    {{8, 64000 * MIB}, JOBS_AUTO, 100, 8},
    {{8, 64000 * MIB}, JOBS_AUTO, 3, 3},
    {{8, 64000 * MIB}, JOBS_AUTO, 0, 1},
    {{64, 2048 * MIB}, JOBS_AUTO, 100, 4},
    {{64, 100 * MIB}, JOBS_AUTO, 100, 1},
    {{1, 64000 * MIB}, JOBS_AUTO, 100, 1},
    {{2, 64000 * MIB}, 16, 100, 16},
    {{2, 64000 * MIB}, 16, 5, 5},
    {{2, 1024 * MIB}, 64, 100, 8},
    {{2, 0}, 64, 100, 1},
};

START_TEST(jobs_are_never_more_than_the_machine_has)
{
    ck_assert_int_eq(jobs_for(&machines[_i].machine, machines[_i].wanted, machines[_i].scenarios),
                     machines[_i].jobs);
}
END_TEST

Suite *shard_suite(void)
{
    Suite *suite = suite_create("commands/shard");
    add_table_test(suite, a_shard_is_a_number_of_a_number, ARRAY_LENGTH(spellings));
    add_table_test(suite, an_engine_tells_which_shard_it_is, ARRAY_LENGTH(surroundings));
    add_table_test(suite, shards_by_name_are_the_same_for_all, ARRAY_LENGTH(shard_counts));
    add_table_test(suite, shards_by_duration_are_the_same_for_all, ARRAY_LENGTH(shard_counts));
    add_test(suite, by_name_no_scenario_moves_another);
    add_test(suite, the_hash_stays_what_it_is);
    add_test(suite, by_duration_shards_take_equally_long);
    add_table_test(suite, durations_are_read_or_refused, ARRAY_LENGTH(files));
    add_table_test(suite, jobs_are_never_more_than_the_machine_has, ARRAY_LENGTH(machines));
    return suite;
}
