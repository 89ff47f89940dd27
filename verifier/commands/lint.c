/* restore-verifier lint: checks scenario files, and nothing else. */
#include <stdio.h>

#include "commands/commands.h"
#include "commands/options.h"

int command_lint(int argc, char **argv)
{
    static const struct argp argp = {
        .args_doc = "[SCENARIO.yaml ...]",
        .doc = "Check scenario files: every problem with its line and column. Without names, those "
               "of the directory scenarios.",
    };
    struct common_options options;
    options_parse(argc, argv, &argp, &options, NULL);
    struct strings paths = {0};
    struct strings problems = {0};
    scenario_paths(&options, &paths);
    if (paths.count == 0)
        strings_add(&problems, "there is no scenario file: name one, or put one into scenarios/");
    struct scenario **scenarios = scenarios_load(&paths, &problems);
    for (size_t i = 0; i < paths.count; i++)
        if (scenarios[i])
            scenario_unsupported(scenarios[i], &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s\n", problems.items[i]);
    if (problems.count == 0 && !options.quiet)
        fprintf(stderr, "%zu scenario file%s, no problem\n", paths.count,
                paths.count == 1 ? "" : "s");
    int exit_code = problems.count == 0 ? EXIT_VERIFIED : EXIT_CANNOT_VERIFY;
    scenarios_free(scenarios, paths.count);
    strings_free(&problems);
    strings_free(&paths);
    common_options_free(&options);
    return exit_code;
}
