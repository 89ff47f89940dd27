/* restore-verifier report: makes reports/index.html of the scenarios' histories and last reports,
 * or the evidence of a period, or checks such evidence.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "commands/commands.h"
#include "commands/evidence.h"
#include "commands/gathering.h"
#include "commands/loading.h"
#include "commands/pages.h"
#include "report/json_fields.h"
#include "report/text.h"

struct report_options {
    int64_t max_age_s;
    const char *metrics;
    struct strings from;
    const char *evidence;
    const char *sign;
    const char *check;
    const char *key;
    json_t *files; /* what was written */
};

static const struct own_option report_options[] = {
    {"max-age", "DURATION", OPTION_DURATION, offsetof(struct report_options, max_age_s),
     "How long ago a verification may be that proves a backup (default: 48h)"},
    {"metrics", "FILE", OPTION_TEXT, offsetof(struct report_options, metrics),
     "Write the same as metrics for Prometheus, such as a .prom file that node_exporter collects"},
    {"from", "DIR", OPTION_TEXTS, offsetof(struct report_options, from),
     "Take histories and reports from this directory and those below it, instead of from where "
     "they are kept; may be given several times. The exit code is then the worst of what is there, "
     "and 2 when nothing is there of a scenario"},
    {"evidence", "PERIOD", OPTION_TEXT, offsetof(struct report_options, evidence),
     "Write what a period's runs have proven as evidence-PERIOD.html and .json among the reports; "
     "PERIOD is 2026, 2026-Q3, 2026-07 or 2026-07-01..2026-09-30"},
    {"sign", "KEY", OPTION_TEXT, offsetof(struct report_options, sign),
     "Sign that with this Ed25519 private key, a PEM file of mode 0600"},
    {"check", "FILE", OPTION_TEXT, offsetof(struct report_options, check),
     "Check evidence: the signature beside FILE, its chain, and the histories against it"},
    {"key", "FILE", OPTION_TEXT, offsetof(struct report_options, key),
     "The public key, a PEM file, that the signature is checked with"},
    {0},
};

static const struct usage report_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Write index.html among the reports: how the backup of each scenario stands, and how "
             "it came to that, from the histories and from the reports of the last runs. Or write "
             "evidence of a period, or check it. Without "
             "names, the scenarios are those of the directory scenarios.",
    .options = report_options,
    .takes_reports = true,
    .takes_format = true,
    .looks_only = true,
};

static int worse(int one, int other)
{
    return one > other ? one : other;
}

static int told(const struct error *error)
{
    fprintf(stderr, "restore-verifier: %s\n", error->text);
    return EXIT_CANNOT_VERIFY;
}

/* --- where it comes from ---------------------------------------------------------------------- */

/* A shell makes several words of `--from shard-?`. */
static void split_arguments(const struct common_options *common, struct report_options *options,
                            struct common_options *ret_scenarios)
{
    *ret_scenarios = *common;
    ret_scenarios->paths = (struct strings){0};
    for (size_t i = 0; i < common->paths.count; i++) {
        struct stat status;
        const char *path = common->paths.items[i];
        bool is_directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
        strings_add(is_directory ? &options->from : &ret_scenarios->paths, path);
    }
}

/* Of the files only the names of scenarios count, so that no variable need be set here. Evidence is
 * checked against what is there. */
static int name_expected(const struct common_options *scenarios,
                         const struct report_options *options, struct strings *ret_names)
{
    cleanup(strings_free) struct strings paths = {0};
    cleanup(strings_free) struct strings ignored = {0}; /* there need be none in scenarios */
    int exit_code = EXIT_VERIFIED;
    if (!options->check)
        scenario_paths(scenarios, &paths, &ignored);
    for (size_t i = 0; i < paths.count; i++) {
        cleanup(free_pointer) char *name = scenario_name_read(paths.items[i]);
        if (name && !strings_contain(ret_names, name))
            strings_add(ret_names, name);
        if (name)
            continue;
        fprintf(stderr, "restore-verifier: %s: no name of a scenario can be read in it\n",
                paths.items[i]);
        exit_code = EXIT_CANNOT_VERIFY;
    }
    return exit_code;
}

/* Both may be what a report says that anybody wrote. */
static void tell_alarm(const struct source *source)
{
    cleanup(free_pointer) char *words = xasprintf("%s: %s", source->name, source->alarm);
    cleanup(free_pointer) char *clean = text_line(words);
    fprintf(stderr, "restore-verifier: %s\n", clean);
}

static int gather(const struct common_options *common, struct report_options *options,
                  struct sources *ret_sources, struct error *error)
{
    struct common_options scenarios;
    cleanup(strings_free) struct strings expected = {0};
    split_arguments(common, options, &scenarios);
    int exit_code = name_expected(&scenarios, options, &expected);
    strings_free(&scenarios.paths);
    int gathered = sources_gather(&options->from, &expected, ret_sources, error);
    if (gathered < 0)
        return -1;
    if (gathered > 0)
        exit_code = EXIT_CANNOT_VERIFY;
    for (size_t i = 0; i < ret_sources->count; i++) {
        const struct source *source = &ret_sources->items[i];
        if (options->check)
            continue; /* what they came to is not asked for */
        exit_code = worse(exit_code, source->exit_code);
        if (source->alarm)
            tell_alarm(source);
    }
    return exit_code;
}

static bool names_no_scenario(const struct common_options *common)
{
    cleanup(strings_free) struct strings paths = {0};
    cleanup(strings_free) struct strings ignored = {0};
    scenario_paths(common, &paths, &ignored);
    return paths.count == 0;
}

/* Gives the exit code so far, or -1. Who checks evidence need have no scenarios. */
static int open_sources(const struct common_options *common, struct report_options *options,
                        struct sources *ret_sources, struct error *error)
{
    if (options->from.count > 0)
        return gather(common, options, ret_sources, error);
    struct loaded loaded;
    if (options->check && names_no_scenario(common)) {
        *ret_sources = (struct sources){0};
        return EXIT_VERIFIED;
    }
    scenarios_load_told(common, &loaded);
    sources_read(&loaded, common->reports, ret_sources);
    int exit_code = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    loaded_free(&loaded);
    return exit_code;
}

/* --- what is done ----------------------------------------------------------------------------- */

static int write_page(const struct common_options *common, const struct report_options *options,
                      const struct sources *sources)
{
    struct error error;
    if (sources_write_pages(sources, options->max_age_s, common->reports, options->metrics,
                            &error) < 0)
        return told(&error);
    cleanup(free_pointer) char *page = xasprintf("%s/index.html", common->reports);
    json_set_text(options->files, "page", page, SIZE_MAX);
    if (options->metrics)
        json_set_text(options->files, "metrics", options->metrics, SIZE_MAX);
    if (!common->quiet)
        fprintf(stderr, "wrote %s\n", page);
    return EXIT_VERIFIED;
}

static int check_usage(const struct report_options *options, struct error *error)
{
    if (options->check && (options->evidence || options->metrics))
        return cannot_verify(error, "--check goes with neither --evidence nor --metrics");
    if (options->sign && !options->evidence)
        return cannot_verify(error, "--sign is about --evidence: name a period as well");
    if (options->key && !options->check)
        return cannot_verify(error, "--key is about --check: name the evidence as well");
    if (options->evidence && options->metrics)
        return cannot_verify(error, "--metrics goes with the page, not with --evidence");
    return 0;
}

static int work(const struct common_options *common, const struct report_options *options,
                const struct sources *sources)
{
    if (options->check)
        return evidence_check_command(common, sources, options->check, options->key);
    mkdir(common->reports, 0777); /* when it cannot be made, writing says why */
    return options->evidence ? evidence_write_command(common, sources, options->evidence,
                                                      options->sign, options->files)
                             : write_page(common, options, sources);
}

static int report(const struct common_options *common, struct report_options *options)
{
    struct sources sources;
    struct error error;
    if (check_usage(options, &error) < 0)
        return told(&error);
    int exit_code = open_sources(common, options, &sources, &error);
    if (exit_code < 0)
        return told(&error);
    exit_code = worse(exit_code, work(common, options, &sources));
    sources_free(&sources);
    return exit_code;
}

static void print_json(json_t *files, int exit_code)
{
    json_t *document = json_frame("report", exit_code);
    json_object_update(document, files);
    json_print_document(document, stdout);
}

/* --check tells there what holds. */
static int flushed(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fputs("restore-verifier: cannot write to standard output\n", stderr);
    return EXIT_CANNOT_VERIFY;
}

int command_report(int argc, char **argv)
{
    struct common_options common;
    struct report_options options = {0};
    options_parse(argc, argv, &report_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    options.files = json_object();
    int exit_code = report(&common, &options);
    if (common.json)
        print_json(options.files, exit_code);
    exit_code = flushed(exit_code);
    json_decref(options.files);
    strings_free(&options.from);
    common_options_free(&common);
    return exit_code;
}
