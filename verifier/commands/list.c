/* restore-verifier list: the backups of each scenario: when they were made, which of them verified,
 * and until when `prune` keeps them. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "history/history.h"
#include "report/json_fields.h"
#include "report/text.h"
#include "shelf/location.h"
#include "shelf/retention.h"

struct list_options {
    bool durations;
};

static const struct own_option list_options[] = {
    {"print-durations", NULL, OPTION_FLAG, offsetof(struct list_options, durations),
     "Print instead how long verifying each takes, by its history, for the --durations of others"},
    {0},
};

static const struct usage list_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .options = list_options,
    .words = "List the backups of each scenario, the newest first: when each was made, its size, "
             "whether it verified, and until when prune keeps it. Without names, the scenarios are "
             "those of the directory scenarios.",
    .takes_reports = true, /* where verify leaves records that it may not write beside a backup */
    .takes_format = true,
    .looks_only = true,
};

/* A backup as it is told. */
struct line {
    char *name;
    char time[TIME_TEXT_SIZE]; /* local; or only the day */
    char size[SIZE_TEXT_SIZE];
    const char *state; /* "verified", "not verified", "incomplete" */
    char *why;         /* it is not verified; NULL: nothing tells */
    char *kept;        /* "until 2026-12-26", "the newest backup", "may be deleted" */
    time_t kept_until; /* 0: no date tells that */
};

/* --- one backup ------------------------------------------------------------------------------- */

static const char *state_of(const struct retained *backup)
{
    return backup->incomplete ? "incomplete" : backup->verified ? "verified" : "not verified";
}

static time_t kept_until(const struct retained *backup, enum retention decision,
                         const struct keep *keep)
{
    return decision == RETAIN_YOUNG ? backup->time + (time_t)keep->young_s : 0;
}

static char *kept_words(enum retention decision, time_t until, const struct keep *keep)
{
    char text[TIME_TEXT_SIZE];
    struct tm parts;
    if (keep->young_s == 0)
        return xstrdup("always: the scenario has no backups.keep");
    if (decision == RETAIN_NOT)
        return xstrdup("no longer: prune deletes it");
    if (until == 0)
        return xasprintf("for now: %s", retention_words(decision));
    localtime_r(&until, &parts);
    strftime(text, sizeof(text), "until %F", &parts);
    return xstrdup(text);
}

static void line_fill(const struct retained *backup, enum retention decision,
                      const struct keep *keep, struct line *ret_line)
{
    struct tm parts;
    time_t until = kept_until(backup, decision, keep);
    *ret_line = (struct line){.name = text_line(backup->name),
                              .state = state_of(backup),
                              .why = backup->unproven ? text_line(backup->unproven) : NULL,
                              .kept = kept_words(decision, until, keep),
                              .kept_until = until};
    localtime_r(&backup->time, &parts);
    strftime(ret_line->time, sizeof(ret_line->time), backup->day_only ? "%F" : "%F %H:%M", &parts);
    size_format(backup->size_bytes, ret_line->size);
}

/* --- all of a scenario ------------------------------------------------------------------------ */

/* The whole of it. */
struct listing {
    const struct common_options *common;
    json_t *scenarios;
};

static void print_lines(const struct scenario *scenario, const struct shelf *shelf,
                        const struct line *lines, size_t count)
{
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        int columns = (int)text_columns(lines[i].name, strlen(lines[i].name));
        width = columns > width ? columns : width;
    }
    printf("%s: %zu backup%s in %s\n", scenario->name, count, count == 1 ? "" : "s",
           shelf_location(shelf));
    for (size_t i = 0; i < count; i++) {
        int columns = (int)text_columns(lines[i].name, strlen(lines[i].name));
        printf("  %s%*s  %-16s  %10s  %-12s  kept %s\n", lines[i].name, width - columns, "",
               lines[i].time, lines[i].size, lines[i].state, lines[i].kept);
        if (lines[i].why)
            printf("    %s\n", lines[i].why);
    }
}

static json_t *backup_json(const struct retained *backup, const struct line *line)
{
    json_t *object = json_pack("{ss sI sb sb ss}", "backup", line->name, "size_bytes",
                               (json_int_t)backup->size_bytes, "verified", (int)backup->verified,
                               "incomplete", (int)backup->incomplete, "kept", line->kept);
    if (backup->day_only)
        json_object_set_new(object, "date", json_string(line->time));
    else
        json_set_time(object, "time", backup->time);
    json_set_time(object, "kept_until", line->kept_until);
    if (line->why)
        json_object_set_new(object, "not_verified_because", json_string(line->why));
    return object;
}

static void add_json(struct listing *listing, const struct scenario *scenario,
                     const struct retained_list *list, const struct line *lines)
{
    json_t *backups = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(backups, backup_json(&list->items[i], &lines[i]));
    json_t *object = json_scenario(scenario->name, EXIT_VERIFIED);
    json_set_text(object, "location", shelf_location(list->shelf), SIZE_MAX);
    json_object_set_new(object, "backups", backups);
    json_array_append_new(listing->scenarios, object);
}

static void tell(struct listing *listing, const struct scenario *scenario,
                 const struct retained_list *list)
{
    const struct keep *keep = &scenario->backups.keep;
    enum retention *decisions = xcalloc(list->count + 1, sizeof(*decisions));
    struct line *lines = xcalloc(list->count + 1, sizeof(*lines));
    retention_decide(list, time(NULL), keep, decisions);
    for (size_t i = 0; i < list->count; i++)
        line_fill(&list->items[i], decisions[i], keep, &lines[i]);
    if (listing->common->json)
        add_json(listing, scenario, list, lines);
    else
        print_lines(scenario, list->shelf, lines, list->count);
    for (size_t i = 0; i < list->count; i++) {
        free(lines[i].name);
        free(lines[i].kept);
        free(lines[i].why);
    }
    free(lines);
    free(decisions);
}

/* What the last run that could look at it came to, if that was nothing good. Caller frees. */
static char *last_failure(const struct history_entries *entries, const char *backup)
{
    for (size_t i = entries->count; i > 0; i--) {
        const struct history_entry *entry = &entries->items[i - 1];
        char when[TIME_TEXT_SIZE];
        if (strcmp(entry->command, "verify") != 0 || strcmp(entry->backup, backup) != 0 ||
            entry->exit_code == EXIT_CANNOT_VERIFY)
            continue;
        time_format_utc(entry->began, when);
        return entry->exit_code == EXIT_VERIFIED
                   ? NULL
                   : xasprintf("did not pass at %s: %s", when, entry->headline);
    }
    return NULL;
}

/* Best effort: without a history nothing tells. */
static void find_failures(const struct scenario *scenario, const char *reports,
                          struct retained_list *list)
{
    cleanup(history_entries_free) struct history_entries entries = {0};
    cleanup(strings_free) struct strings ignored = {0};
    cleanup(history_freep) struct history *history = NULL;
    struct error error;
    if (history_open(scenario, reports, &history, &error) < 0 ||
        history_read(history, &entries, &ignored, &error) < 0)
        return;
    for (size_t i = 0; i < list->count; i++) {
        struct retained *backup = &list->items[i];
        if (!backup->verified && !backup->incomplete && !backup->unproven)
            backup->unproven = last_failure(&entries, backup->name);
    }
}

static int list_backups(struct listing *listing, const struct scenario *scenario,
                        struct error *error)
{
    struct retained_list list = {0};
    cleanup(strings_free) struct strings notices = {0};
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (location_open(scenario, &shelf, error) < 0 ||
        retained_list_read(shelf, &scenario->backups.names, &list, &notices, error) < 0)
        return -1;
    retained_list_prove(&list, scenario->name, scenario->backups.database,
                        listing->common->reports);
    find_failures(scenario, listing->common->reports, &list);
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "%s: %s\n", scenario->name, notices.items[i]);
    tell(listing, scenario, &list);
    retained_list_free(&list);
    return 0;
}

static int list_scenario(const struct scenario *scenario, const struct common_options *common,
                         const void *own)
{
    struct error error;
    struct listing *const *listing = own;
    (void)common;
    time_zone_use(scenario->backups.time_zone);
    if (list_backups(*listing, scenario, &error) == 0)
        return EXIT_VERIFIED;
    fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, error.text);
    json_t *object = json_scenario(scenario->name, EXIT_CANNOT_VERIFY);
    json_set_text(object, "error", error.text, SIZE_MAX);
    json_array_append_new((*listing)->scenarios, object);
    return EXIT_CANNOT_VERIFY;
}

/* --- durations -------------------------------------------------------------------------------- */

static int compare_ms(const void *left, const void *right)
{
    int64_t one = *(const int64_t *)left;
    int64_t other = *(const int64_t *)right;
    return one < other ? -1 : one > other;
}

/* The one in the middle of the last few: one slow night says little. -1: it was never verified. */
static int64_t usual_duration_ms(const struct history_entries *entries)
{
    enum { NIGHTS = 5 };
    int64_t last[NIGHTS] = {0};
    size_t count = 0;
    for (size_t i = entries->count; i-- > 0 && count < NIGHTS;)
        if (strcmp(entries->items[i].command, "verify") == 0 &&
            entries->items[i].exit_code != EXIT_CANNOT_VERIFY)
            last[count++] = entries->items[i].duration_ms;
    qsort(last, count, sizeof(*last), compare_ms);
    return count > 0 ? last[count / 2] : -1;
}

static int print_duration(const struct scenario *scenario, const struct common_options *common,
                          const void *own)
{
    struct error error;
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings ignored = {0};
    cleanup(history_freep) struct history *history = NULL;
    (void)own;
    if (scenario->history.none)
        return EXIT_VERIFIED;
    if (history_open(scenario, common->reports, &history, &error) < 0 ||
        history_read(history, &entries, &ignored, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, error.text);
        return EXIT_CANNOT_VERIFY;
    }
    int64_t ms = usual_duration_ms(&entries);
    if (ms >= 0)
        printf("%s %lld.%03d\n", scenario->name, (long long)(ms / 1000), (int)(ms % 1000));
    history_entries_free(&entries);
    return EXIT_VERIFIED;
}

int command_list(int argc, char **argv)
{
    struct common_options common;
    struct list_options options = {0};
    options_parse(argc, argv, &list_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    struct listing listing = {.common = &common, .scenarios = json_array()};
    struct listing *own = &listing;
    int exit_code = options.durations
                        ? scenarios_each(&common, print_duration, NULL)
                        : scenarios_each_told(&common, list_scenario, &own, listing.scenarios);
    if (common.json && !options.durations)
        json_print_scenarios("list", listing.scenarios, exit_code, stdout);
    else
        json_decref(listing.scenarios);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "restore-verifier: cannot write to standard output\n");
        exit_code = EXIT_CANNOT_VERIFY;
    }
    common_options_free(&common);
    return exit_code;
}
