/* restore-verifier lint: checks scenario files, and nothing else. */
#include <stdio.h>

#include "commands/commands.h"
#include "commands/options.h"

static int lint(const struct scenario *scenario, const struct common_options *common,
                const void *own)
{
    (void)own;
    cleanup(strings_free) struct strings problems = {0};
    scenario_unsupported(scenario, &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s\n", problems.items[i]);
    if (problems.count > 0)
        return EXIT_CANNOT_VERIFY;
    if (!common->quiet)
        fprintf(stderr, "%s: no problem\n", scenario->path);
    return EXIT_VERIFIED;
}

int command_lint(int argc, char **argv)
{
    static const struct usage usage = {
        .arguments = "[SCENARIO.yaml ...]",
        .words =
            "Check scenario files: every problem with its line and column. Without names, those "
            "of the directory scenarios.",
    };
    struct common_options common;
    options_parse(argc, argv, &usage, &common, NULL);
    int exit_code = scenarios_each(&common, lint, NULL);
    common_options_free(&common);
    return exit_code;
}
