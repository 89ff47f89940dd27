/* restore-verifier lint: checks scenario files, and nothing else. */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/run.h"

/* The report has the scenario's name, and nobody looks for it under another than the file's. */
static bool warn_of_name(const struct scenario *scenario)
{
    cleanup(free_pointer) char *file = name_of_file(scenario->path);
    if (strcmp(file, scenario->name) == 0)
        return false;
    fprintf(stderr,
            "%s:%u:%u: warning: the scenario is named `%s`, and so are its reports, but its file "
            "is named `%s`: give both one name\n",
            scenario->path, scenario->mark.line, scenario->mark.column, scenario->name, file);
    return true;
}

static int lint(const struct scenario *scenario, const struct common_options *common,
                const void *own)
{
    (void)own;
    if (!common->quiet && !warn_of_name(scenario))
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
