/* The options that commands share, parsed with argp. */
#ifndef COMMANDS_OPTIONS_H
#define COMMANDS_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "scenario/scenario.h"

struct common_options {
    struct strings paths; /* scenario files (or what else a command takes) */
    const char *reports;
    int jobs; /* 0: not given */
    bool json;
    bool text_on_stdout; /* --format text was asked for */
    bool quiet;
    bool verbose;
};

/* Parses as argp does, with the common options as a child of `argp`: its input is `common`, the
 * command's own options go to `argp->parser` with `own` as input. Exits on --help, --version and on
 * usage errors (with 2). */
void options_parse(int argc, char **argv, const struct argp *argp, struct common_options *common,
                   void *own);
void common_options_free(struct common_options *common);

/* The scenario files to work on: those named, or else those of the directory scenarios, sorted. */
void scenario_paths(const struct common_options *common, struct strings *ret_paths);

/* Loads all scenarios, and adds what is wrong with them to `problems`. Two with one name are a
 * problem too: their reports would overwrite each other. `ret_scenarios` has as many as there are
 * paths, NULL where one could not be loaded. */
struct scenario **scenarios_load(const struct strings *paths, struct strings *problems);
void scenarios_free(struct scenario **scenarios, size_t count);

/* What a command does to one scenario; gives an exit code. `own` is what options_parse was given.
 */
typedef int scenario_work(const struct scenario *scenario, const struct common_options *common,
                          const void *own);

/* Does it to each scenario in turn, and prints what is wrong with those that cannot be loaded.
 * Gives the worst exit code. */
int scenarios_each(const struct common_options *common, scenario_work *work, const void *own);

/* Is `stream` a terminal that wants colours? */
bool wants_color(int descriptor);

#endif
