/* restore-verifier lint: checks scenario files, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/loading.h"
#include "commands/run.h"
#include "scenario/json_schema.h"
#include "stages/migration_files.h"

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

static int problem(const struct scenario *scenario, struct mark mark, const struct error *error)
{
    fprintf(stderr, "%s:%u:%u: %s\n", mark.file ? mark.file : scenario->path, mark.line,
            mark.column, error->text);
    return EXIT_CANNOT_VERIFY;
}

/* The migrations are part of what is expected, and lie beside the scenario rather than in a backup.
 */
static int lint_migrations(const struct scenario *scenario)
{
    int exit_code = EXIT_VERIFIED;
    struct error error;
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        const struct alembic_expectation *alembic = &scenario->alembic[i];
        cleanup(places_free) struct places places = {0};
        cleanup(migrations_free) struct migrations migrations = {0};
        if ((alembic->migrations.count > 0 || alembic->config) &&
            alembic_migrations_read(alembic, &places, &migrations, &error) < 0)
            exit_code = problem(scenario, alembic->files_mark, &error);
    }
    for (size_t i = 0; i < scenario->migrations_count; i++) {
        const struct migrations_expectation *expected = &scenario->migrations[i];
        cleanup(strings_free) struct strings names = {0};
        if (tool_migrations_read(expected, &names, &error) < 0)
            exit_code = problem(scenario, expected->mark, &error);
    }
    return exit_code;
}

static int lint(const struct scenario *scenario, const struct common_options *common,
                const void *own)
{
    (void)own;
    int exit_code = lint_migrations(scenario);
    bool warned = !common->quiet && warn_of_name(scenario);
    if (exit_code == EXIT_VERIFIED && !common->quiet && !warned)
        fprintf(stderr, "%s: no problem\n", scenario->path);
    return exit_code;
}

struct lint_options {
    bool schema;
};

static const struct own_option lint_options[] = {
    {"schema", NULL, OPTION_FLAG, offsetof(struct lint_options, schema),
     "Check nothing, and print the JSON Schema of scenario files, for editors"},
    {0},
};

static int print_schema(void)
{
    cleanup(free_pointer) char *schema = scenario_json_schema();
    puts(schema);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_VERIFIED;
    fputs("restore-verifier lint: cannot write to standard output\n", stderr);
    return EXIT_CANNOT_VERIFY;
}

int command_lint(int argc, char **argv)
{
    static const struct usage usage = {
        .arguments = "[SCENARIO.yaml ...]",
        .words =
            "Check scenario files: every problem with its line and column. Without names, those "
            "of the directory scenarios.",
        .options = lint_options,
    };
    struct common_options common;
    struct lint_options own = {0};
    options_parse(argc, argv, &usage, &common, &own);
    int exit_code = own.schema ? print_schema() : scenarios_each(&common, lint, NULL);
    common_options_free(&common);
    return exit_code;
}
