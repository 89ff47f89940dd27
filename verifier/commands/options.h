/* The options of commands, parsed with argp: those that all share, and a table of its own for each.
 */
#ifndef COMMANDS_OPTIONS_H
#define COMMANDS_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
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
    const char *chdir;    /* NULL: not given; both have been obeyed when options_parse returns */
    const char *env_file; /* relative to that directory */
};

/* An option of one command, and the field of the command's own struct that it sets. */
enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *, borrowed from argv */
    OPTION_DURATION, /* int64_t, seconds; never 0 */
    OPTION_WORD,     /* const char *: "" when given alone, or the one word `argument` */
};
struct own_option {
    const char *name; /* without dashes; NULL ends a table */
    const char *argument;
    enum option_kind kind;
    size_t offset;
    const char *words;
};

struct usage {
    const char *arguments; /* "[SCENARIO.yaml ...]" */
    const char *words;
    const struct own_option *options; /* NULL: none */
    /* Of the options that all accept, so that one line can be given to all: those that change what
     * this command does, and are in its --help. */
    bool takes_reports, takes_jobs, takes_format, takes_verbose;
};

/* Fills `common`, and `own` (zeroed by the caller; NULL without own options). Exits on --help,
 * --version and on usage errors (with 2). */
void options_parse(int argc, char **argv, const struct usage *usage, struct common_options *common,
                   void *own);
void common_options_free(struct common_options *common);

/* The scenario files to work on: those named, or else those of the directory scenarios, sorted. */
void scenario_paths(const struct common_options *common, struct strings *ret_paths);

/* Scenario files, and what they hold. */
struct loaded {
    struct strings paths;
    struct scenario **scenarios; /* as many as there are paths, NULL where one is refused */
    struct strings problems;     /* of all files */
};

/* Loads the scenarios of the command line. */
void scenarios_load_all(const struct common_options *common, struct loaded *ret_loaded);
/* Prints what is wrong with them. */
void loaded_tell(const struct loaded *loaded);
/* Both. */
void scenarios_load_told(const struct common_options *common, struct loaded *ret_loaded);
void loaded_free(struct loaded *loaded);

/* Loads all scenarios, and adds what is wrong with them to `problems`. Two with one name are a
 * problem too: their reports would overwrite each other. `ret_scenarios` has as many as there are
 * paths, NULL where one could not be loaded. */
struct scenario **scenarios_load(const struct strings *paths, struct strings *problems);
void scenarios_free(struct scenario **scenarios, size_t count); /* takes NULL */

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

/* Is `stream` a terminal that wants colours? */
bool wants_color(int descriptor);

#endif
