/* What verify does, for commands that do more than that. */
#ifndef COMMANDS_VERIFY_H
#define COMMANDS_VERIFY_H

#include "commands/options.h"
#include "commands/run.h"

struct verify_options {
    struct run_settings run;
    const char *prove_alarm; /* a number; NULL: not given */
    const char *postgresql;  /* a major version; NULL: not given */
    bool notify;             /* as the scenarios say */
    bool no_notify;
    bool rehearse;     /* migrations, where a scenario has them */
    bool rehearse_all; /* a scenario without them is an error */
    int64_t timeout_s; /* 0: none */
};

/* Verifies the scenarios of the command line, and gives the exit code. `options` is filled in from
 * `common`. */
int verify_scenarios(const struct common_options *common, struct verify_options *options);

#endif
