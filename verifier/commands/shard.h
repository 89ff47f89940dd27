/* Which scenarios of many are this run's, when several runs share them.
 *
 * Each run sees the same scenarios and works out by itself which are its own, so nothing of ours
 * hands out work. What holds of any split: every scenario is in exactly one shard, in whatever
 * order the scenarios are named. By default the shard is that of a hash of the scenario's name: it
 * depends on nothing else, so runs that see different scenarios, or begin at different times, still
 * leave none out. With durations the shards take equally long, and all runs have to be given the
 * same scenarios and the same durations.
 */
#ifndef COMMANDS_SHARD_H
#define COMMANDS_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

enum { SHARDS_LIMIT = 4096, SPLIT_SIZE = 17 };

struct shard {
    int index; /* from 1 */
    int count; /* 0: all scenarios are this run's */
};

/* "3/8" */
int shard_parse(const char *text, struct shard *ret_shard, struct error *error);

/* What an engine that runs one job several times has told it. An error when none has, when one has
 * told only half of it, and when two disagree. `environment` looks a variable up: getenv, or a
 * test's own. */
int shard_from_environment(char *(*environment)(const char *name), struct shard *ret_shard,
                           struct error *error);

/* How long scenarios take, as `list --print-durations` prints it: lines "NAME SECONDS". */
struct durations {
    struct strings names;
    int64_t *ms;     /* as many */
    int64_t mean_ms; /* what is taken for a scenario that is not among them; never 0 */
};
int durations_read(const char *path, struct durations *ret_durations, struct error *error);
void durations_free(struct durations *durations);

/* Gives each name its shard, from 1 to `shards`. `durations` NULL: by hash. */
void shard_split(const struct strings *names, const struct durations *durations, int shards,
                 int *ret_shards);

/* A digest of who is in which shard: two runs whose digests differ did not share one split. */
void shard_split_digest(const struct strings *names, const int *shards,
                        char ret_digest[SPLIT_SIZE]);

#endif
