/* The scenarios that a command is to work on: those of the command line, or else of the directory
 * scenarios, of these the ones that --match names, and of these the ones of this run's shard.
 */
#ifndef COMMANDS_LOADING_H
#define COMMANDS_LOADING_H

#include <jansson.h>

#include "commands/options.h"
#include "commands/shard.h"
#include "scenario/scenario.h"

/* Scenario files, and what they hold. */
struct loaded {
    struct strings paths;
    struct scenario **scenarios; /* as many as there are paths, NULL where one is refused */
    struct strings *problems_of; /* of each path */
    struct strings complaints;   /* of the command line */
    struct strings problems;     /* all of these together */
    char shard[16];              /* "3/8"; "" for none */
    char split[SPLIT_SIZE];      /* see shard_split_digest */
    bool idle;                   /* there are scenarios, and none of them falls to this shard */
};

/* The files of the command line, or of scenarios, before any is chosen: directories stand for what
 * lies in them, and a file that another one includes and that names no scenario is left out. */
void scenario_paths(const struct common_options *common, struct strings *ret_paths,
                    struct strings *complaints);

/* Loads them, and prints what is wrong. Without a path there is a complaint, or it is idle. Two
 * scenarios with one name are a problem: their reports would overwrite each other. */
void scenarios_load_told(const struct common_options *common, struct loaded *ret_loaded);

/* The same, where the problems of files are told later: prints only complaints. */
void scenarios_load(const struct common_options *common, struct loaded *ret_loaded);
void loaded_free(struct loaded *loaded);

/* The exit code that is there before anything is done: 0, unless there is something to complain of
 * or nothing to work on (but for an idle shard). */
int loaded_exit_code(const struct loaded *loaded);

/* What a command does to one scenario; gives an exit code. `own` is what options_parse was given.
 */
typedef int scenario_work(const struct scenario *scenario, const struct common_options *common,
                          const void *own);

/* Does it to each scenario in turn, and prints what is wrong with those that cannot be loaded.
 * Gives the worst exit code. */
int scenarios_each(const struct common_options *common, scenario_work *work, const void *own);

/* The same; `refused`, a JSON array, gets an element for each that cannot be loaded. */
int scenarios_each_told(const struct common_options *common, scenario_work *work, const void *own,
                        json_t *refused);

#endif
