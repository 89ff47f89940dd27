#include "commands/notifying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/remember.h"
#include "report/junit_read.h"
#include "report/text.h"

static void tell_problem(const struct scenario *scenario, const char *problem, const char *reports)
{
    struct error error;
    cleanup(free_pointer) char *words = text_line(problem);
    cleanup(free_pointer) char *path = xasprintf("%s/%s.xml", reports, scenario->name);
    fprintf(stderr, "restore-verifier: %s: warning: could not notify: %s\n", scenario->name, words);
    cleanup(free_pointer) char *in_report = xasprintf("could not notify: %s", words);
    if (junit_add_warning(path, "warning: notify", in_report, &error) < 0)
        fprintf(stderr, "restore-verifier: %s: that is not in the report: %s\n", scenario->name,
                error.text);
}

static void tell(struct notifier *notifier, const struct scenario *scenario,
                 const struct notification *notification, const char *reports)
{
    cleanup(strings_free) struct strings problems = {0};
    notify(notifier, &scenario->notify, notification, &problems);
    for (size_t i = 0; i < problems.count; i++)
        tell_problem(scenario, problems.items[i], reports);
}

/* What is wrong by itself stands first. */
static char *with_extra(const char *headline, bool good, const char *extra)
{
    cleanup(free_pointer) char *text = extra && !good ? xasprintf("%s; %s", headline, extra)
                                       : extra        ? xstrdup(extra)
                                                      : xstrdup(headline);
    return text_line(text);
}

/* --- of results that are here ----------------------------------------------------------------- */

static const struct result *worst_of(const struct scenario *scenario, const struct result *results,
                                     size_t count)
{
    const struct result *worst = NULL;
    for (size_t i = 0; i < count; i++) {
        bool own = strcmp(results[i].scenario, scenario->name) == 0;
        if (own && (!worst || result_exit_code(&results[i]) > result_exit_code(worst)))
            worst = &results[i];
    }
    return worst;
}

void notify_results(struct notifier *notifier, const struct scenario *scenario,
                    const struct result *results, size_t count, const char *extra,
                    const char *reports)
{
    struct totals totals;
    const struct result *worst = worst_of(scenario, results, count);
    if (!worst || !scenario->notify.present)
        return;
    int exit_code = result_exit_code(worst);
    const char *path = worst->facts->backup.path;
    const char *slash = strrchr(path, '/');
    cleanup(free_pointer) char *own = result_headline_whole(worst);
    cleanup(free_pointer) char *headline = with_extra(own, exit_code == EXIT_VERIFIED, extra);
    cleanup(free_pointer) char *backup = text_clean(slash ? slash + 1 : path, SIZE_MAX, TEXT_LINE);
    result_totals(worst, &totals);
    const struct notification notification = {.scenario = scenario->name,
                                              .command = "verify",
                                              .began = worst->facts->began,
                                              .exit_code = extra ? EXIT_CANNOT_VERIFY : exit_code,
                                              .headline = headline,
                                              .backup = backup,
                                              .checks = totals.checks,
                                              .passed = totals.passed,
                                              .failed = totals.failed,
                                              .errors = totals.errors,
                                              .skipped = totals.skipped};
    tell(notifier, scenario, &notification, reports);
}

/* --- of a night ------------------------------------------------------------------------------- */

/* The worst of a night's reports, and of what is as bad that of verify. */
struct worst {
    struct junit_told told;
    const char *kind;
    bool found;
};

/* A green one of another night says nothing of this one. */
static void read_report(const char *path, time_t night_began, struct junit_told *ret_told)
{
    struct error error;
    *ret_told = (struct junit_told){0};
    if (junit_read(path, ret_told, &error) == 0 &&
        (ret_told->exit_code != EXIT_VERIFIED || ret_told->began >= night_began))
        return;
    junit_told_free(ret_told);
    *ret_told = (struct junit_told){.exit_code = EXIT_CANNOT_VERIFY,
                                    .name = xstrdup(""),
                                    .headline = xstrdup("it left no report of this night"),
                                    .backup = xstrdup("")};
}

static void take_report(const char *path, const char *kind, time_t night_began, struct worst *worst)
{
    struct junit_told told;
    read_report(path, night_began, &told);
    bool worse = !worst->found || told.exit_code > worst->told.exit_code ||
                 (told.exit_code == worst->told.exit_code && *kind == '\0');
    if (worse) {
        junit_told_free(&worst->told);
        *worst = (struct worst){.told = told, .kind = kind, .found = true};
    } else {
        junit_told_free(&told);
    }
}

static void take_reports(const struct scenario *scenario, time_t night_began,
                         const struct strings *kinds, const char *reports, struct worst *ret_worst)
{
    *ret_worst = (struct worst){.kind = ""};
    for (size_t i = 0; i < kinds->count; i++) {
        cleanup(free_pointer) char *path =
            xasprintf("%s/%s%s.xml", reports, scenario->name, kinds->items[i]);
        take_report(path, kinds->items[i], night_began, ret_worst);
    }
}

int night_exit_code(const struct scenario *scenario, time_t began, const struct strings *kinds,
                    const char *reports)
{
    struct worst worst;
    take_reports(scenario, began, kinds, reports, &worst);
    int exit_code = worst.told.exit_code;
    junit_told_free(&worst.told);
    return exit_code;
}

/* "dump: the backup could not be made: ..." */
static char *headline_of(const struct worst *worst, const char *extra)
{
    const char *step = *worst->kind ? worst->kind + 1 : "";
    cleanup(free_pointer) char *own =
        xasprintf("%s%s%s", step, *step ? ": " : "", worst->told.headline);
    return with_extra(own, worst->told.exit_code == EXIT_VERIFIED, extra);
}

void notify_night(struct notifier *notifier, const struct scenario *scenario, time_t began,
                  const struct strings *kinds, const char *extra, const char *reports)
{
    struct worst worst;
    if (!scenario->notify.present)
        return;
    take_reports(scenario, began, kinds, reports, &worst);
    const struct junit_told *told = &worst.told;
    cleanup(free_pointer) char *headline = headline_of(&worst, extra);
    const struct notification notification = {
        .scenario = scenario->name,
        .command = "nightly",
        .began = began,
        .exit_code = extra ? EXIT_CANNOT_VERIFY : told->exit_code,
        .headline = headline,
        .backup = told->backup,
        .checks = told->checks,
        .passed = told->checks - told->failed - told->errors - told->skipped,
        .failed = told->failed,
        .errors = told->errors,
        .skipped = told->skipped};
    tell(notifier, scenario, &notification, reports);
    junit_told_free(&worst.told);
}
