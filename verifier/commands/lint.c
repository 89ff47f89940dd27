/* restore-verifier lint: checks scenario files, and nothing else. */
#include <ctype.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/loading.h"
#include "commands/run.h"
#include "report/json_fields.h"
#include "scenario/json_schema.h"
#include "stages/migration_files.h"

/* What is wrong with one file: "FILE:LINE:COLUMN: words", as for those that cannot be loaded. */
struct findings {
    struct strings problems;
    struct strings warnings;
};

/* The report has the scenario's name, and nobody looks for it under another than the file's. */
static void warn_of_name(const struct scenario *scenario, struct findings *findings)
{
    cleanup(free_pointer) char *file = name_of_file(scenario->path);
    if (strcmp(file, scenario->name) != 0)
        strings_addf(&findings->warnings,
                     "%s:%u:%u: warning: the scenario is named `%s`, and so are its reports, but "
                     "its file is named `%s`: give both one name",
                     scenario->path, scenario->mark.line, scenario->mark.column, scenario->name,
                     file);
}

static void problem(const struct scenario *scenario, struct mark mark, const struct error *error,
                    struct findings *findings)
{
    strings_addf(&findings->problems, "%s:%u:%u: %s", mark.file ? mark.file : scenario->path,
                 mark.line, mark.column, error->text);
}

/* The migrations are part of what is expected, and lie beside the scenario rather than in a backup.
 */
static void lint_migrations(const struct scenario *scenario, struct findings *findings)
{
    struct error error;
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        const struct alembic_expectation *alembic = &scenario->alembic[i];
        cleanup(places_free) struct places places = {0};
        cleanup(migrations_free) struct migrations migrations = {0};
        if ((alembic->migrations.count > 0 || alembic->config) &&
            alembic_migrations_read(alembic, &places, &migrations, &error) < 0)
            problem(scenario, alembic->files_mark, &error, findings);
    }
    for (size_t i = 0; i < scenario->migrations_count; i++) {
        const struct migrations_expectation *expected = &scenario->migrations[i];
        cleanup(strings_free) struct strings names = {0};
        if (tool_migrations_read(expected, &names, &error) < 0)
            problem(scenario, expected->mark, &error, findings);
    }
}

/* --- telling ---------------------------------------------------------------------------------- */

/* ":12:5: " -> 12, 5, and what is behind it; NULL: that is no place. */
static const char *place_read(const char *text, unsigned long *ret_line, unsigned long *ret_column)
{
    char *end;
    if (*text != ':' || !isdigit((unsigned char)text[1]))
        return NULL;
    *ret_line = strtoul(text + 1, &end, 10);
    if (*end != ':' || !isdigit((unsigned char)end[1]))
        return NULL;
    *ret_column = strtoul(end + 1, &end, 10);
    return starts_with(end, ": ") ? end + strlen(": ") : NULL;
}

/* "FILE:LINE:COLUMN: words", where the file may be one that this one includes; or "FILE: words". */
static json_t *finding_json(const char *path, const char *finding)
{
    json_t *object = json_object();
    unsigned long line, column;
    bool is_own = starts_with(finding, path);
    const char *place = finding + (is_own ? strlen(path) : 0);
    const char *words = place_read(place, &line, &column);
    for (; !is_own && !words && *place; place++)
        words = place_read(place + 1, &line, &column);
    if (words) {
        if (!is_own)
            json_set_text(object, "file", finding, (size_t)(place - finding));
        json_object_set_new(object, "line", json_integer((json_int_t)line));
        json_object_set_new(object, "column", json_integer((json_int_t)column));
    } else {
        words = is_own ? finding + strlen(path) : finding;
        words += strspn(words, ": ");
    }
    words += starts_with(words, "warning: ") ? strlen("warning: ") : 0;
    json_set_text(object, "message", words, SIZE_MAX);
    return object;
}

static json_t *findings_json(const char *path, const struct strings *findings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(array, finding_json(path, findings->items[i]));
    return array;
}

static json_t *file_json(const char *path, const char *name, const struct findings *findings)
{
    json_t *object =
        json_scenario(name, findings->problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED);
    json_set_text(object, "file", path, SIZE_MAX);
    json_object_set_new(object, "problems", findings_json(path, &findings->problems));
    json_object_set_new(object, "warnings", findings_json(path, &findings->warnings));
    return object;
}

static void print_findings(const struct scenario *scenario, const struct findings *findings,
                           bool quiet)
{
    for (size_t i = 0; i < findings->problems.count; i++)
        fprintf(stderr, "%s\n", findings->problems.items[i]);
    for (size_t i = 0; i < findings->warnings.count && !quiet; i++)
        fprintf(stderr, "%s\n", findings->warnings.items[i]);
    if (findings->problems.count + findings->warnings.count == 0 && !quiet)
        fprintf(stderr, "%s: no problem\n", scenario->path);
}

/* --- the command ------------------------------------------------------------------------------ */

static int lint(const struct scenario *scenario, bool quiet, json_t *scenarios)
{
    struct findings findings = {0};
    lint_migrations(scenario, &findings);
    warn_of_name(scenario, &findings);
    print_findings(scenario, &findings, quiet);
    json_array_append_new(scenarios, file_json(scenario->path, scenario->name, &findings));
    int exit_code = findings.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    strings_free(&findings.problems);
    strings_free(&findings.warnings);
    return exit_code;
}

static void tell_refused(const struct loaded *loaded, size_t index, json_t *scenarios)
{
    const char *path = loaded->paths.items[index];
    cleanup(free_pointer) char *name = scenario_name_read(path);
    const struct findings findings = {.problems = loaded->problems_of[index]};
    json_array_append_new(scenarios, file_json(path, name ? name : path, &findings));
}

static int lint_all(const struct common_options *common, json_t *scenarios)
{
    struct loaded loaded;
    scenarios_load_told(common, &loaded);
    int worst = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    for (size_t i = 0; i < loaded.paths.count; i++) {
        if (!loaded.scenarios[i]) {
            tell_refused(&loaded, i, scenarios);
            continue;
        }
        int exit_code = lint(loaded.scenarios[i], common->quiet, scenarios);
        worst = exit_code > worst ? exit_code : worst;
    }
    loaded_free(&loaded);
    return worst;
}

static int flushed(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fputs("restore-verifier lint: cannot write to standard output\n", stderr);
    return EXIT_CANNOT_VERIFY;
}

static int print_problems(const struct common_options *common)
{
    json_t *scenarios = json_array();
    int exit_code = lint_all(common, scenarios);
    if (common->json)
        json_print_scenarios("lint", scenarios, exit_code, stdout);
    else
        json_decref(scenarios);
    return flushed(exit_code);
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
    return flushed(EXIT_VERIFIED);
}

int command_lint(int argc, char **argv)
{
    static const struct usage usage = {
        .arguments = "[SCENARIO.yaml ...]",
        .words =
            "Check scenario files: every problem with its line and column. Without names, those "
            "of the directory scenarios.",
        .options = lint_options,
        .takes_format = true,
    };
    struct common_options common;
    struct lint_options own = {0};
    options_parse(argc, argv, &usage, &common, &own);
    signal(SIGPIPE, SIG_IGN); /* a reader who has left is an error like any other */
    int exit_code = own.schema ? print_schema() : print_problems(&common);
    common_options_free(&common);
    return exit_code;
}
