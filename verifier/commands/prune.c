/* restore-verifier prune: deletes the backups that a scenario no longer keeps. */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "report/json_fields.h"
#include "report/text.h"
#include "shelf/location.h"
#include "shelf/retention.h"

struct prune_options {
    bool dry_run;
    json_t *scenarios; /* what is told of each as JSON */
};

static const struct own_option prune_options[] = {
    {"dry-run", NULL, OPTION_FLAG, offsetof(struct prune_options, dry_run),
     "Delete nothing, tell what would be deleted"},
    {0},
};

static const struct usage prune_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Delete each scenario's backups that are older than its backups.keep, with their "
             "manifests and records. Never the newest, never the newest that verified, and none "
             "at all while no backup younger than keep has verified. Without names, the scenarios "
             "are those of the directory scenarios.",
    .options = prune_options,
    .takes_reports = true, /* where verify leaves records that it may not write beside a backup */
    .takes_format = true,
    .looks_only = true,
};

/* What one scenario's pruning works on. */
struct pruning {
    const struct scenario *scenario;
    const struct common_options *common;
    bool dry_run;
    time_t now;
    struct retained_list list;
    enum retention *decisions;
    size_t deleted;
    int64_t deleted_bytes;
    json_t *told; /* of this scenario */
};

static void say(const struct pruning *pruning, const char *words)
{
    cleanup(free_pointer) char *clean = text_line(words);
    json_array_append_new(json_object_get(pruning->told, "messages"), json_string(clean));
    if (!pruning->common->quiet)
        fprintf(stderr, "%s: %s\n", pruning->scenario->name, words);
}

static char *age_words(const struct pruning *pruning, const struct retained *backup)
{
    char age[DURATION_TEXT_SIZE];
    duration_format((int64_t)(pruning->now - backup->time) * 1000, age);
    return xstrdup(age);
}

static size_t count_decision(const struct pruning *pruning, enum retention decision)
{
    size_t count = 0;
    for (size_t i = 0; i < pruning->list.count; i++)
        count += pruning->decisions[i] == decision;
    return count;
}

/* Does it stay for what it is, whether another one verified or not? */
static bool stays_anyway(enum retention decision)
{
    return decision == RETAIN_YOUNG || decision == RETAIN_PERIOD ||
           decision == RETAIN_OTHERS_NEWEST;
}

/* Is something old there, and none of it may go, because nothing younger has verified? */
static bool nothing_proven(const struct pruning *pruning)
{
    size_t anyway = 0;
    for (size_t i = 0; i < pruning->list.count; i++)
        anyway += stays_anyway(pruning->decisions[i]);
    return count_decision(pruning, RETAIN_NOTHING_PROVEN) > 0 ||
           (count_decision(pruning, RETAIN_NOT) == 0 && anyway < pruning->list.count);
}

/* Nothing young has verified: tells what a rule that only looks at ages would have cost. */
static void explain(const struct pruning *pruning)
{
    size_t old = pruning->list.count - count_decision(pruning, RETAIN_YOUNG);
    int64_t days = pruning->scenario->backups.keep.young_s / 86400;
    char keep[DURATION_TEXT_SIZE];
    duration_format(pruning->scenario->backups.keep.young_s * 1000, keep);
    cleanup(free_pointer) char *words = xasprintf(
        "nothing is deleted, because no backup younger than %s has verified. `find -mtime +%lld "
        "-delete` would have deleted %s%zu of %zu backups. Nothing goes until one has verified: "
        "every "
        "check of the scenario must pass for it, but those of its objects need not. Run "
        "`restore-verifier verify`, whose report says what is wrong",
        keep, (long long)days, old == pruning->list.count ? "all " : "", old, pruning->list.count);
    say(pruning, words);
    for (size_t i = 0; i < pruning->list.count; i++) {
        const struct retained *backup = &pruning->list.items[i];
        cleanup(free_pointer) char *age = age_words(pruning, backup);
        if (stays_anyway(pruning->decisions[i]))
            continue;
        cleanup(free_pointer) char *line = xasprintf("stays: %s, %s old: %s", backup->name, age,
                                                     retention_words(pruning->decisions[i]));
        say(pruning, line);
    }
}

/* Records that no longer speak of their backups: somebody should know before they are needed. */
static void tell_unproven(const struct pruning *pruning)
{
    for (size_t i = 0; i < pruning->list.count; i++) {
        const struct retained *backup = &pruning->list.items[i];
        if (!backup->unproven)
            continue;
        cleanup(free_pointer) char *line =
            xasprintf("%s does not count as verified: %s", backup->name, backup->unproven);
        say(pruning, line);
    }
}

/* That the newest good backup lacks some of its objects stops nothing here, and is not a secret. */
static void tell_object_failures(const struct pruning *pruning)
{
    size_t i = 0;
    while (i < pruning->list.count && !pruning->list.items[i].verified)
        i++;
    if (i == pruning->list.count || pruning->list.items[i].object_failures == 0)
        return;
    const struct retained *backup = &pruning->list.items[i];
    cleanup(free_pointer) char *line = xasprintf(
        "%s counts as verified, though %" PRId64 " check%s of objects did not pass: the report of "
        "verify names %s",
        backup->name, backup->object_failures, backup->object_failures == 1 ? "" : "s",
        backup->object_failures == 1 ? "it" : "them");
    say(pruning, line);
}

static void tell_deleted(const struct pruning *pruning, const struct retained *backup)
{
    json_t *object = json_object();
    json_set_text(object, "backup", backup->name, SIZE_MAX);
    json_set_strings(object, "files", &backup->files);
    json_object_set_new(object, "size_bytes", json_integer(backup->size_bytes));
    json_set_time(object, "time", backup->time);
    json_object_set_new(object, "verified", json_boolean(backup->verified));
    json_object_set_new(object, "incomplete", json_boolean(backup->incomplete));
    json_array_append_new(json_object_get(pruning->told, "deleted"), object);
}

static int delete_old(struct pruning *pruning, struct error *error)
{
    for (size_t i = 0; i < pruning->list.count; i++) {
        const struct retained *backup = &pruning->list.items[i];
        if (pruning->decisions[i] != RETAIN_NOT)
            continue;
        if (!pruning->dry_run &&
            retained_delete(pruning->list.shelf, backup, pruning->scenario->name,
                            pruning->scenario->backups.database, pruning->common->reports,
                            error) < 0)
            return -1;
        cleanup(free_pointer) char *age = age_words(pruning, backup);
        cleanup(free_pointer) char *files = strings_listed(&backup->files);
        cleanup(free_pointer) char *line =
            xasprintf("%s %s%s, %s old", pruning->dry_run ? "would delete" : "deleted", files,
                      backup->incomplete ? " (a set of which a part is missing)" : "", age);
        say(pruning, line);
        tell_deleted(pruning, backup);
        pruning->deleted++;
        pruning->deleted_bytes += backup->size_bytes;
    }
    return 0;
}

static void delete_orphans(const struct pruning *pruning)
{
    cleanup(strings_free) struct strings names = {0};
    const struct scenario *scenario = pruning->scenario;
    struct shelf *shelf = pruning->list.shelf;
    struct error ignored;
    retained_orphans(shelf, &scenario->backups.names, pruning->now - scenario->backups.keep.young_s,
                     &names);
    for (size_t i = 0; i < names.count; i++) {
        if (!pruning->dry_run && shelf_remove(shelf, names.items[i], &ignored) < 0)
            continue; /* it says nothing about any backup: not worth an error */
        cleanup(free_pointer) char *path = shelf_path(shelf, names.items[i]);
        cleanup(free_pointer) char *line = xasprintf(
            "%s %s, whose backup is gone", pruning->dry_run ? "would delete" : "deleted", path);
        say(pruning, line);
    }
}

/* Nobody may remember that scenario; its record then keeps the backup for ever. */
static void tell_kept_for_others(const struct pruning *pruning)
{
    for (size_t i = 0; i < pruning->list.count; i++) {
        const struct retained *backup = &pruning->list.items[i];
        if (pruning->decisions[i] != RETAIN_OTHERS_NEWEST)
            continue;
        cleanup(free_pointer) char *line =
            xasprintf("stays: %s: %s, which left %s; delete that record if the scenario is no more",
                      backup->name, retention_words(RETAIN_OTHERS_NEWEST), backup->last_of_other);
        say(pruning, line);
    }
}

static int prune_backups(struct pruning *pruning, struct error *error)
{
    tell_unproven(pruning);
    tell_object_failures(pruning);
    tell_kept_for_others(pruning);
    if (nothing_proven(pruning)) {
        explain(pruning);
        return 0;
    }
    if (delete_old(pruning, error) < 0)
        return -1;
    delete_orphans(pruning);
    char size[SIZE_TEXT_SIZE];
    size_format(pruning->deleted_bytes, size);
    cleanup(free_pointer) char *words =
        pruning->deleted == 0
            ? xasprintf("nothing to delete: %zu backup%s", pruning->list.count,
                        pruning->list.count == 1 ? "" : "s")
            : xasprintf("%s %zu of %zu backups, %s", pruning->dry_run ? "would delete" : "deleted",
                        pruning->deleted, pruning->list.count, size);
    say(pruning, words);
    return 0;
}

static int prune_scenario(const struct scenario *scenario, const struct common_options *common,
                          const struct prune_options *options, json_t *told, struct error *error)
{
    struct pruning pruning = {.scenario = scenario,
                              .common = common,
                              .dry_run = options->dry_run,
                              .now = time(NULL),
                              .told = told};
    if (scenario->backups.keep.young_s == 0) {
        say(&pruning, "nothing is deleted, because the scenario has no backups.keep");
        return 0;
    }
    cleanup(strings_free) struct strings notices = {0};
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (location_open(scenario, &shelf, error) < 0 ||
        retained_list_read(shelf, &scenario->backups.names, &pruning.list, &notices, error) < 0)
        return -1;
    retained_list_prove(&pruning.list, scenario->name, scenario->backups.database, common->reports);
    for (size_t i = 0; i < notices.count; i++)
        say(&pruning, notices.items[i]);
    pruning.decisions = xcalloc(pruning.list.count + 1, sizeof(*pruning.decisions));
    retention_decide(&pruning.list, pruning.now, &scenario->backups.keep, pruning.decisions);
    int outcome = prune_backups(&pruning, error);
    free(pruning.decisions);
    json_object_set_new(told, "backup_count", json_integer((json_int_t)pruning.list.count));
    json_object_set_new(told, "deleted_bytes", json_integer(pruning.deleted_bytes));
    retained_list_free(&pruning.list);
    return outcome;
}

static int prune(const struct scenario *scenario, const struct common_options *common,
                 const void *own)
{
    struct error error;
    const struct prune_options *options = own;
    time_zone_use(scenario->backups.time_zone);
    json_t *told = json_pack("{sb so so}", "dry_run", (int)options->dry_run, "deleted",
                             json_array(), "messages", json_array());
    int exit_code = EXIT_VERIFIED;
    if (prune_scenario(scenario, common, options, told, &error) < 0) {
        exit_code = EXIT_CANNOT_VERIFY;
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, error.text);
        json_set_text(told, "error", error.text, SIZE_MAX);
    }
    json_t *object = json_scenario(scenario->name, exit_code);
    json_object_update(object, told);
    json_decref(told);
    json_array_append_new(options->scenarios, object);
    return exit_code;
}

int command_prune(int argc, char **argv)
{
    struct common_options common;
    struct prune_options options = {.scenarios = json_array()};
    options_parse(argc, argv, &prune_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    int exit_code = scenarios_each_told(&common, prune, &options, options.scenarios);
    if (common.json)
        json_print_scenarios("prune", options.scenarios, exit_code, stdout);
    else
        json_decref(options.scenarios);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "restore-verifier: cannot write to standard output\n");
        exit_code = EXIT_CANNOT_VERIFY;
    }
    common_options_free(&common);
    return exit_code;
}
