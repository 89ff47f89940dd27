#include "commands/shard.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"

/* --- which one this is ------------------------------------------------------------------------ */

/* A number from 0 on, or -1. */
static int64_t number_of(const char *text)
{
    if (*text == '\0' || strlen(text) > 9 || text[strspn(text, "0123456789")] != '\0')
        return -1;
    return strtoll(text, NULL, 10);
}

static bool is_shard(int64_t index, int64_t count)
{
    return index >= 1 && index <= count && count <= SHARDS_LIMIT;
}

int shard_parse(const char *text, struct shard *ret_shard, struct error *error)
{
    const char *slash = strchr(text, '/');
    cleanup(free_pointer) char *first = xstrndup(text, slash ? (size_t)(slash - text) : 0);
    int64_t index = number_of(first);
    int64_t count = slash ? number_of(slash + 1) : -1;
    if (!is_shard(index, count))
        return cannot_verify(error,
                             "--shard takes I/N, such as 3/8 for the third of eight (I from 1 to "
                             "N, N up to %d), or `auto`; not `%s`",
                             SHARDS_LIMIT, text);
    *ret_shard = (struct shard){(int)index, (int)count};
    return 0;
}

/* What engines call the number of a job, and how many there are. */
static const struct engine {
    const char *name;
    const char *index;
    const char *count;
    int first; /* the number of the first job */
} engines[] = {
    {"GitLab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1},
    {"Kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0},
    {"Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0},
    {"CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0},
    {"Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0},
};

typedef char *environment_look(const char *name);

/* -1 too where it is not set. */
static int64_t number_in(environment_look *environment, const char *name)
{
    const char *text = environment(name);
    return text ? number_of(text) : -1;
}

/* Slurm's numbers begin where the user says, and may have gaps, as when some are run again: then it
 * is not known how many there were at first. */
static int slurm_index(environment_look *environment, int64_t count, int64_t *ret_index,
                       struct error *error)
{
    int64_t id = number_in(environment, "SLURM_ARRAY_TASK_ID");
    int64_t low = number_in(environment, "SLURM_ARRAY_TASK_MIN");
    int64_t high = number_in(environment, "SLURM_ARRAY_TASK_MAX");
    int64_t step = number_in(environment, "SLURM_ARRAY_TASK_STEP");
    if (step < 1)
        step = 1;
    if (low < 0 || high < 0 || high - low != (count - 1) * step || id < low ||
        (id - low) % step != 0)
        return cannot_verify(error, "the tasks of this Slurm array do not follow one another, so "
                                    "--shard auto cannot tell which shard this is: write "
                                    "--shard \"$SLURM_ARRAY_TASK_ID/N\", with the number N of all");
    *ret_index = (id - low) / step + 1;
    return 0;
}

/* 1: this engine has told its job; 0: it is not there. */
static int ask_engine(const struct engine *engine, environment_look *environment,
                      struct shard *ret_shard, struct error *error)
{
    bool has_index = environment(engine->index) != NULL;
    bool has_count = environment(engine->count) != NULL;
    int64_t count = number_in(environment, engine->count);
    int64_t index = number_in(environment, engine->index) + 1 - engine->first;
    if (!has_index && !has_count)
        return 0;
    if (!has_index && count == 1)
        index = 1; /* GitLab tells the number of jobs always, and which one only when several */
    else if (!has_index || !has_count)
        return cannot_verify(error, "--shard auto: %s is set and %s is not: set both, or write I/N",
                             has_index ? engine->index : engine->count,
                             has_index ? engine->count : engine->index);
    else if (strcmp(engine->name, "Slurm") == 0 &&
             slurm_index(environment, count, &index, error) < 0)
        return -1;
    if (!is_shard(index, count))
        return cannot_verify(error, "--shard auto: %s=%s and %s=%s name no shard", engine->index,
                             has_index ? environment(engine->index) : "", engine->count,
                             environment(engine->count));
    *ret_shard = (struct shard){(int)index, (int)count};
    return 1;
}

static int no_engine(struct error *error)
{
    struct buffer names;
    buffer_init(&names, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        buffer_printf(&names, "%s%s and %s (%s)", i == 0 ? "" : "; ", engines[i].index,
                      engines[i].count, engines[i].name);
    cleanup(free_pointer) char *known = buffer_steal(&names);
    return cannot_verify(error,
                         "--shard auto: no engine tells which shard this is: write I/N, or set "
                         "one of these pairs: %s",
                         known);
}

int shard_from_environment(environment_look *environment, struct shard *ret_shard,
                           struct error *error)
{
    const struct engine *teller = NULL;
    struct shard shard = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++) {
        struct shard told = {0};
        int asked = ask_engine(&engines[i], environment, &told, error);
        if (asked < 0)
            return -1;
        if (asked == 0)
            continue;
        if (teller && (told.index != shard.index || told.count != shard.count))
            return cannot_verify(error,
                                 "--shard auto: %s says that this is shard %d/%d, and %s that it "
                                 "is %d/%d: write I/N",
                                 teller->name, shard.index, shard.count, engines[i].name,
                                 told.index, told.count);
        teller = &engines[i];
        shard = told;
    }
    if (!teller)
        return no_engine(error);
    *ret_shard = shard;
    return 0;
}

/* --- durations -------------------------------------------------------------------------------- */

enum { DURATIONS_LIMIT_BYTES = 16 << 20, LONGEST_S = 30 * 24 * 60 * 60 };

static void durations_add(struct durations *durations, const char *name, int64_t ms)
{
    const size_t count = durations->names.count;
    if ((count & (count - 1)) == 0) /* full at every power of two */
        durations->ms = xreallocarray(durations->ms, count ? count * 2 : 1, sizeof(*durations->ms));
    durations->ms[count] = ms;
    strings_add(&durations->names, name);
}

/* "shop 12.5"; false when it is none. */
static bool durations_add_line(struct durations *durations, char *line)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " \t\r", &rest);
    if (!name || *name == '#')
        return true;
    const char *seconds = strtok_r(NULL, " \t\r", &rest);
    const char *more = seconds ? strtok_r(NULL, " \t\r", &rest) : NULL;
    if (!seconds || more || seconds[strspn(seconds, "0123456789.")] != '\0' ||
        !isdigit((unsigned char)*seconds))
        return false;
    char *end;
    double value = strtod(seconds, &end);
    if (*end != '\0' || !(value <= LONGEST_S))
        return false;
    durations_add(durations, name, (int64_t)(value * 1000));
    return true;
}

static int durations_parse(const char *path, char *text, struct durations *durations,
                           struct error *error)
{
    char *rest = text;
    int number = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        number++;
        if (!durations_add_line(durations, line))
            return cannot_verify(
                error,
                "%s:%d: expected the name of a scenario and seconds, such as `shop "
                "12.5`; `restore-verifier list --print-durations` prints such lines",
                path, number);
    }
    return 0;
}

int durations_read(const char *path, struct durations *ret_durations, struct error *error)
{
    struct buffer content;
    struct durations durations = {.mean_ms = 1000};
    if (file_read(path, DURATIONS_LIMIT_BYTES, &content, error) < 0)
        return -1;
    int parsed = durations_parse(path, content.data, &durations, error);
    buffer_free(&content);
    if (parsed < 0) {
        durations_free(&durations);
        return -1;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < durations.names.count; i++)
        sum += durations.ms[i];
    if (sum > 0)
        durations.mean_ms = sum / (int64_t)durations.names.count + 1;
    *ret_durations = durations;
    return 0;
}

void durations_free(struct durations *durations)
{
    strings_free(&durations->names);
    free(durations->ms);
    *durations = (struct durations){0};
}

/* Of a name that stands there twice, the last. */
static int64_t duration_of(const struct durations *durations, const char *name)
{
    for (size_t i = durations->names.count; i-- > 0;)
        if (strcasecmp(durations->names.items[i], name) == 0)
            return durations->ms[i];
    return durations->mean_ms;
}

/* --- the split -------------------------------------------------------------------------------- */

/* Names that differ in case only name one report, so they are one name here too. */
static int shard_by_hash(const char *name, int shards)
{
    char hex[SHA256_HEX_SIZE];
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    for (const char *c = name; *c; c++) {
        char lower = *c;
        if (lower >= 'A' && lower <= 'Z')
            lower = (char)(lower - 'A' + 'a');
        sha256_update(hash, &lower, 1);
    }
    sha256_final(hash, hex);
    hex[15] = '\0';
    return (int)(strtoull(hex, NULL, 16) % (unsigned long long)shards) + 1;
}

struct item {
    const char *name;
    int64_t ms;
    size_t place; /* among the names as they were given */
};

static int compare_names(const char *one, const char *other)
{
    int order = strcasecmp(one, other);
    return order != 0 ? order : strcmp(one, other);
}

/* The longest first. */
static int compare_items(const void *left, const void *right)
{
    const struct item *one = left;
    const struct item *other = right;
    if (one->ms != other->ms)
        return one->ms > other->ms ? -1 : 1;
    return compare_names(one->name, other->name);
}

static int shortest(const int64_t *sums, int shards)
{
    int found = 0;
    for (int i = 1; i < shards; i++)
        if (sums[i] < sums[found])
            found = i;
    return found;
}

/* Each goes, the longest first, where least is to be done so far. */
static void split_evenly(const struct strings *names, const struct durations *durations, int shards,
                         int *ret_shards)
{
    cleanup(free_pointer) struct item *items = xcalloc(names->count + 1, sizeof(*items));
    cleanup(free_pointer) int64_t *sums = xcalloc((size_t)shards, sizeof(*sums));
    for (size_t i = 0; i < names->count; i++)
        items[i] = (struct item){names->items[i], duration_of(durations, names->items[i]), i};
    qsort(items, names->count, sizeof(*items), compare_items);
    for (size_t i = 0; i < names->count; i++) {
        int shard = shortest(sums, shards);
        sums[shard] += items[i].ms + 1; /* or all that take no time would go to one */
        ret_shards[items[i].place] = shard + 1;
    }
}

void shard_split(const struct strings *names, const struct durations *durations, int shards,
                 int *ret_shards)
{
    if (durations)
        split_evenly(names, durations, shards, ret_shards);
    for (size_t i = 0; i < names->count && !durations; i++)
        ret_shards[i] = shard_by_hash(names->items[i], shards);
}

void shard_split_digest(const struct strings *names, const int *shards, char ret_digest[SPLIT_SIZE])
{
    char hex[SHA256_HEX_SIZE];
    cleanup(free_pointer) struct item *items = xcalloc(names->count + 1, sizeof(*items));
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    for (size_t i = 0; i < names->count; i++)
        items[i] = (struct item){names->items[i], 0, i};
    qsort(items, names->count, sizeof(*items), compare_items);
    for (size_t i = 0; i < names->count; i++) {
        cleanup(free_pointer) char *line =
            xasprintf("%s %d\n", items[i].name, shards[items[i].place]);
        sha256_update(hash, line, strlen(line));
    }
    sha256_final(hash, hex);
    memcpy(ret_digest, hex, SPLIT_SIZE - 1);
    ret_digest[SPLIT_SIZE - 1] = '\0';
}
