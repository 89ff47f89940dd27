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
};

int command_report(int argc, char **argv)
{
    struct common_options common;
    struct report_options options = {0};
    struct loaded loaded;
    struct error error;
    options_parse(argc, argv, &report_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    scenarios_load_told(&common, &loaded);
    mkdir(common.reports, 0777); /* when it cannot be made, writing says why */
    int exit_code = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    if (write_pages(&loaded, options.max_age_s, common.reports, options.metrics, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s\n", error.text);
        exit_code = EXIT_CANNOT_VERIFY;
    } else if (!common.quiet) {
        fprintf(stderr, "wrote %s/index.html\n", common.reports);
    }
    loaded_free(&loaded);
    common_options_free(&common);
    return exit_code;
}
