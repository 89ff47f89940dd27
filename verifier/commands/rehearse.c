/* restore-verifier rehearse: verifies the latest backup of each scenario, and runs the scenario's
 * migration on a copy of what was restored. */
#include <stddef.h>

#include "commands/commands.h"
#include "commands/verify.h"

static const struct own_option rehearse_options[] = {
    {"backup", "FILE", OPTION_TEXT, offsetof(struct verify_options, run.backup),
     "Rehearse on this backup, also s3://bucket/key, instead of the latest"},
    {"postgresql", "MAJOR", OPTION_TEXT, offsetof(struct verify_options, postgresql),
     "Restore into a throwaway server of this version, such as 17, to try an upgrade"},
    {"no-cache", NULL, OPTION_FLAG, offsetof(struct verify_options, run.no_cache),
     "Make the throwaway server by initdb, not from the ready cluster that an earlier run kept"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct verify_options, timeout_s),
     "End the whole run after this time, such as 1h"},
    {0},
};

static const struct usage rehearse_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words =
        "Verify the latest backup of each scenario, and when it is good, run the command of its "
        "`migration` on a copy of what was restored: how long it takes, which tables could not be "
        "read or written meanwhile and why, what it changed, where a failure leaves the database, "
        "and whether the way back is one. Without a command it is `alembic upgrade head`. The "
        "reports are SCENARIO.migration.xml and SCENARIO.migration.md, beside that of verify. "
        "Without names, the scenarios are those of the directory scenarios.",
    .options = rehearse_options,
    .takes_reports = true,
    .takes_jobs = true,
    .takes_format = true,
    .takes_verbose = true,
};

int command_rehearse(int argc, char **argv)
{
    struct common_options common;
    struct verify_options options = {.rehearse = true, .rehearse_all = true};
    options_parse(argc, argv, &rehearse_usage, &common, &options);
    int exit_code = verify_scenarios(&common, &options);
    common_options_free(&common);
    return exit_code;
}
