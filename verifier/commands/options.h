/* The options of commands, parsed with argp: those that all share, and a table of its own for each.
 */
#ifndef COMMANDS_OPTIONS_H
#define COMMANDS_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct common_options {
    struct strings paths; /* scenario files (or what else a command takes) */
    const char *reports;
    int jobs; /* 0: not given; or JOBS_AUTO */
    bool json;
    bool text_on_stdout; /* --format text was asked for */
    bool quiet;
    bool verbose;
    bool looks_only;      /* as the usage has it */
    const char *chdir;    /* NULL: not given; both have been obeyed when options_parse returns */
    const char *env_file; /* relative to that directory */
    /* Which scenarios (loading.h); NULL: not given. */
    const char *match;
    const char *shard;     /* "3/8" or "auto" */
    const char *durations; /* a file */
    const char *of_shard;  /* from nightly, whose scenarios were chosen already: "3/8:DIGEST" */
};

enum { JOBS_AUTO = -1 };

/* An option of one command, and the field of the command's own struct that it sets. */
enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *, borrowed from argv */
    OPTION_TEXTS,    /* struct strings: may be given again; freed by the command */
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
     * this command does, and are in its --help. Those that choose scenarios are where `arguments`
     * has them. */
    bool takes_reports, takes_jobs, takes_format, takes_verbose;
    bool looks_only; /* at backups and history: needs no variable that only a run needs */
};

/* Fills `common`, and `own` (zeroed by the caller; NULL without own options). Exits on --help,
 * --version and on usage errors (with 2). */
void options_parse(int argc, char **argv, const struct usage *usage, struct common_options *common,
                   void *own);
void common_options_free(struct common_options *common);

/* Is `stream` a terminal that wants colours? */
bool wants_color(int descriptor);

#endif
