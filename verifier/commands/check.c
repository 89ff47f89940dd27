/* restore-verifier check: before the night, is everything there that the scenarios name? */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "preflight/preflight.h"
#include "report/json_fields.h"
#include "report/text.h"

enum { TIMEOUT_S = 30 };

struct check_options {
    int64_t timeout_s;
};

static const struct own_option check_options[] = {
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct check_options, timeout_s),
     "How long a server or a bucket may take to answer (default: 30s)"},
    {0},
};

static const struct usage check_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Before the night: connect to everything that each scenario names, and tell in one "
             "line each whether it is there and whether a night may do with it what it has to: the "
             "database, its rights and pg_dump; where the backups lie, in which a small object is "
             "written, read and deleted; objects, which are only read; history, reports, work "
             "directory, space, clocks, PostgreSQL's programs and extensions, a throwaway server, "
             "which is started, migrations, commands. Exit code 0: a night can begin; 2: something "
             "is missing. Without names, the scenarios are those of the directory scenarios.",
    .options = check_options,
    .takes_reports = true,
    .takes_format = true,
};

static const char *const words[] = {[READY] = "PASS", [READY_BUT] = "WARN", [NOT_READY] = "ERROR"};
static const char *const json_words[] = {
    [READY] = "pass", [READY_BUT] = "warn", [NOT_READY] = "error"};

struct checking {
    const struct common_options *common;
    int64_t timeout_ms;
    json_t *scenarios;
    int exit_code;
};

static void print(const struct checking *checking, const struct scenario *scenario,
                  const struct findings *findings)
{
    FILE *stream = checking->common->text_on_stdout ? stdout : stderr;
    bool has_head = false;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        cleanup(free_pointer) char *text = text_line(finding->text);
        if (checking->common->quiet && finding->readiness == READY)
            continue;
        if (!has_head)
            fprintf(stream, "%s\n", scenario->name);
        has_head = true;
        fprintf(stream, "  %-6s %-16s  %s\n", words[finding->readiness], finding->check, text);
    }
}

static bool is_ready(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].readiness == NOT_READY)
            return false;
    return true;
}

static json_t *to_json(const char *scenario, const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        json_t *object = json_pack("{ss ss}", "check", finding->check, "verdict",
                                   json_words[finding->readiness]);
        json_set_text(object, "text", finding->text, SIZE_MAX);
        json_array_append_new(list, object);
    }
    json_t *object =
        json_scenario(scenario, is_ready(findings) ? EXIT_VERIFIED : EXIT_CANNOT_VERIFY);
    json_object_set_new(object, "findings", list);
    return object;
}

static void check(struct checking *checking, const struct scenario *scenario)
{
    struct findings findings;
    time_zone_use(scenario->backups.time_zone);
    preflight_run(scenario, checking->common->reports, checking->timeout_ms, &findings);
    if (!is_ready(&findings))
        checking->exit_code = EXIT_CANNOT_VERIFY;
    if (checking->common->json)
        json_array_append_new(checking->scenarios, to_json(scenario->name, &findings));
    else
        print(checking, scenario, &findings);
    findings_free(&findings);
}

/* What is wrong with it has been printed. */
static void tell_wrong(struct checking *checking, const char *path)
{
    struct finding wrong = {"scenario", NOT_READY, (char[]){"the scenario is wrong: see `lint`"}};
    const struct findings findings = {&wrong, 1};
    checking->exit_code = EXIT_CANNOT_VERIFY;
    if (checking->common->json)
        json_array_append_new(checking->scenarios, to_json(path, &findings));
}

int command_check(int argc, char **argv)
{
    struct common_options common;
    struct check_options options = {.timeout_s = 0};
    struct loaded loaded;
    options_parse(argc, argv, &check_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    scenarios_load_told(&common, &loaded);
    struct checking checking = {
        .common = &common,
        .timeout_ms = (options.timeout_s > 0 ? options.timeout_s : TIMEOUT_S) * 1000,
        .scenarios = json_array(),
        .exit_code = loaded_exit_code(&loaded),
    };
    for (size_t i = 0; i < loaded.paths.count; i++)
        if (loaded.scenarios[i])
            check(&checking, loaded.scenarios[i]);
        else
            tell_wrong(&checking, loaded.paths.items[i]);
    if (common.json)
        json_print_scenarios("check", checking.scenarios, checking.exit_code, stdout);
    else
        json_decref(checking.scenarios);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("restore-verifier: cannot write to standard output\n", stderr);
        checking.exit_code = EXIT_CANNOT_VERIFY;
    }
    int exit_code = checking.exit_code;
    loaded_free(&loaded);
    common_options_free(&common);
    return exit_code;
}
