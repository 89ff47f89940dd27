/* restore-verifier report: makes reports/index.html of the scenarios' histories and last reports.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "commands/commands.h"
#include "commands/options.h"
#include "commands/pages.h"
#include "report/json_fields.h"

struct report_options {
    int64_t max_age_s;
    const char *metrics;
};

static const struct own_option report_options[] = {
    {"max-age", "DURATION", OPTION_DURATION, offsetof(struct report_options, max_age_s),
     "How long ago a verification may be that proves a backup (default: 48h)"},
    {"metrics", "FILE", OPTION_TEXT, offsetof(struct report_options, metrics),
     "Write the same as metrics for Prometheus, such as a .prom file that node_exporter collects"},
    {0},
};

static const struct usage report_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Write index.html among the reports: how the backup of each scenario stands, and how "
             "it came to that, from the histories and from the reports of the last runs. Without "
             "names, the scenarios are those of the directory scenarios.",
    .options = report_options,
    .takes_reports = true,
    .takes_format = true,
};

static void print_json(const char *reports, const char *metrics, int exit_code, bool written)
{
    json_t *document = json_frame("report", exit_code);
    cleanup(free_pointer) char *page = xasprintf("%s/index.html", reports);
    if (written)
        json_set_text(document, "page", page, SIZE_MAX);
    if (written && metrics)
        json_set_text(document, "metrics", metrics, SIZE_MAX);
    json_print_document(document, stdout);
}

int command_report(int argc, char **argv)
{
    struct common_options common;
    struct report_options options = {0};
    struct loaded loaded;
    struct error error;
    bool written = false;
    options_parse(argc, argv, &report_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    scenarios_load_told(&common, &loaded);
    mkdir(common.reports, 0777); /* when it cannot be made, writing says why */
    int exit_code = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    if (write_pages(&loaded, options.max_age_s, common.reports, options.metrics, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s\n", error.text);
        exit_code = EXIT_CANNOT_VERIFY;
    } else {
        written = true;
        if (!common.quiet)
            fprintf(stderr, "wrote %s/index.html\n", common.reports);
    }
    if (common.json)
        print_json(common.reports, options.metrics, exit_code, written);
    loaded_free(&loaded);
    common_options_free(&common);
    return exit_code;
}
