#include "commands/run.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/processors.h"
#include "commands/own_commands.h"
#include "commands/rehearsing.h"
#include "harness/harness.h"
#include "postgres/cluster.h"
#include "rehearsal/from_migrations.h"

/* --- preparing -------------------------------------------------------------------------------- */

/* A run that cannot start still leaves a report: a plan of one check that has its verdict already.
 */
static void run_refuse(struct run *run, const char *check_name, const char *reason)
{
    if (run->outcomes)
        shared_free(run->outcomes, run->outcomes_size);
    plan_free(&run->plan);
    plan_add_plain(&run->plan, "scenario", check_name);
    run->outcomes_size = sizeof(*run->outcomes);
    run->outcomes = shared_alloc(run->outcomes_size);
    outcome_error(&run->outcomes[0], "%s", reason);
    run->scenario = NULL;
}

/* "scenarios/bugspark.yaml" -> "bugspark" */
char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return xstrndup(name, strcspn(name, "."));
}

static void run_start(struct run *run, char *name, enum report_kind kind)
{
    *run = (struct run){.name = name, .kind = kind, .facts = shared_alloc(sizeof(*run->facts))};
    run->facts->began = time(NULL);
}

void run_prepare_chore(struct run *run, const struct scenario *scenario, enum report_kind kind,
                       const char *check_name)
{
    struct plan plan = {0};
    plan_add_plain(&plan, "", check_name);
    run_prepare_plan(run, scenario, kind, &plan);
}

void run_prepare_plan(struct run *run, const struct scenario *scenario, enum report_kind kind,
                      const struct plan *plan)
{
    run_start(run, xstrdup(scenario->name), kind);
    run->scenario = scenario;
    run->plan = *plan;
    run->outcomes_size = plan->count * sizeof(*run->outcomes);
    run->outcomes = shared_alloc(run->outcomes_size);
}

static bool is_named(const struct run *runs, size_t index, const struct loaded *loaded,
                     const char *name)
{
    for (size_t i = 0; i < loaded->paths.count; i++) {
        const struct scenario *scenario = loaded->scenarios[i];
        const char *other = scenario ? scenario->name : i < index ? runs[i].name : "";
        if (strcasecmp(other, name) == 0)
            return true;
    }
    return false;
}

/* The report of a file that was refused must not be overwritten by that of another. */
static char *name_of_refused(const struct run *runs, size_t index, const struct loaded *loaded)
{
    char *name = scenario_name_read(loaded->paths.items[index]);
    if (name && !is_named(runs, index, loaded, name))
        return name;
    free(name);
    name = name_of_file(loaded->paths.items[index]);
    while (is_named(runs, index, loaded, name)) {
        char *longer = xasprintf("%s-refused", name);
        free(name);
        name = longer;
    }
    return name;
}

void run_refuse_file(struct run *runs, size_t index, const struct loaded *loaded,
                     enum report_kind kind)
{
    struct run *run = &runs[index];
    const struct strings *problems = &loaded->problems_of[index];
    run_start(run, name_of_refused(runs, index, loaded), kind);
    run_refuse(run, "scenario file is valid", "");
    struct outcome *outcome = &run->outcomes[0];
    for (size_t i = 0; i < problems->count; i++) {
        if (i > 0)
            outcome_detail(outcome, "%s", problems->items[i]);
        else
            outcome_error(outcome, "%s", problems->items[i]);
    }
    outcome->concern = CONCERN_SCENARIO;
}

void run_tell_shard(const struct run *run, const struct loaded *loaded)
{
    text_copy(run->facts->shard, sizeof(run->facts->shard), loaded->shard);
    text_copy(run->facts->split, sizeof(run->facts->split), loaded->split);
}

/* All names, since the pattern was perhaps meant for one of them. */
static void refuse_selection(struct run *run, const char *only)
{
    struct buffer names;
    buffer_init(&names, sizeof(run->outcomes->details));
    for (size_t i = 0; i < run->plan.count; i++)
        buffer_printf(&names, "\n%s", run->plan.checks[i].name);
    cleanup(free_pointer) char *reason =
        xasprintf("--only '%s' matches no check of the scenario, so nothing was verified; its %zu "
                  "checks are named below",
                  only, run->plan.count);
    run_refuse(run, "a check is run", reason);
    outcome_detail(&run->outcomes[0], "the checks of the scenario:%s", names.data);
    buffer_free(&names);
}

static int make_work(struct run *run, struct error *error)
{
    if (workdir_create(workdir_parent(), &run->work, error) < 0)
        return -1;
    run->stages.work = workdir_path(run->work);
    if (socket_work_create(run->stages.work, &run->socket_work, error) < 0)
        return -1;
    run->stages.socket_work = run->socket_work ? workdir_path(run->socket_work) : run->stages.work;
    return 0;
}

enum report_kind run_kind(const struct run_settings *settings)
{
    return settings->only ? REPORT_PARTIAL : REPORT_VERIFY;
}

static void plan_stages(struct run *run, const struct run_settings *settings)
{
    run->object_checks = xcalloc(run->plan.count, sizeof(*run->object_checks));
    run->stages = (struct stages_options){
        .backup = settings->backup,
        .server = settings->server,
        .postgresql = settings->postgresql,
        .reports = settings->reports,
        .keep = settings->keep,
        .no_cache = settings->no_cache,
        .side_by_side = settings->side_by_side,
        .always_restore = settings->always_restore,
        .no_record = settings->no_record,
        .no_restore = !settings->keep && !plan_needs_database(&run->plan, run->outcomes),
        .object_checks = run->object_checks,
        .object_check_count = plan_object_checks(&run->plan, run->outcomes, run->object_checks),
    };
}

void run_prepare(struct run *run, const struct scenario *scenario,
                 const struct run_settings *settings)
{
    run_start(run, xstrdup(scenario->name), run_kind(settings));
    run->scenario = scenario;
    plan_build(scenario, &run->plan);
    run->only = settings->only;
    run->outcomes_size = plan_most(&run->plan) * sizeof(*run->outcomes);
    run->outcomes = shared_alloc(run->outcomes_size);
    if (settings->only && plan_select(&run->plan, settings->only, run->outcomes) == 0) {
        refuse_selection(run, settings->only);
        return;
    }
    plan_stages(run, settings);
}

bool run_make_ready(struct run *run)
{
    struct error error;
    if (run->scenario && make_work(run, &error) < 0)
        run_refuse(run, "a work directory can be made", error.text);
    return run->scenario != NULL;
}

void run_follow(struct run *run)
{
    plan_expand(&run->plan, &run->facts->databases);
}

struct result run_result(const struct run *run)
{
    return (struct result){.scenario = run->name,
                           .facts = run->facts,
                           .plan = &run->plan,
                           .outcomes = run->outcomes,
                           .kind = run->kind};
}

void run_release(struct run *run)
{
    shared_free(run->outcomes, run->outcomes_size);
    shared_free(run->facts, sizeof(*run->facts));
    plan_free(&run->plan);
    free(run->object_checks);
    free(run->name);
    free(run->kept);
}

/* --- in the worker ---------------------------------------------------------------------------- */

static void leave_record(struct run *run, struct stages *stages)
{
    struct totals totals;
    struct result result = run_result(run);
    result_totals(&result, &totals);
    const struct checks_told told = {.passed = totals.passed,
                                     .warnings = totals.warnings,
                                     .object_failures =
                                         (int64_t)plan_object_failures(&run->plan, run->outcomes)};
    stages_record(stages, outcomes_prove(&run->plan, run->outcomes, run->kind == REPORT_VERIFY),
                  &told);
}

/* Before the checks begin, which then have it as they have the backup. */
static void run_migrations(const struct run *run, const struct stages *stages,
                           struct archive *archive, struct error *problem, struct subject *subject)
{
    struct lent_server server;
    if (!plan_needs_migrations(&run->plan, run->outcomes) ||
        run->facts->stages[STAGE_RESTORE].state != STAGE_DONE)
        return;
    if (stages_lend(stages, &server, problem) == 0 &&
        schema_from_migrations(run->scenario, &server, run->facts->server.version, archive,
                               problem) == 0)
        subject->from_migrations = archive;
    else
        subject->migrations_problem = problem;
}

/* Once for all checks that ask for it, which then have it as they have the backup. Without a backup
 * they are skipped. */
static void read_past(const struct run *run, struct past *past, struct subject *subject)
{
    if (!plan_needs_history(&run->plan, run->outcomes) ||
        run->facts->stages[STAGE_FIND].state != STAGE_DONE)
        return;
    past_read(run->scenario, run->stages.reports, past);
    subject->past = past;
}

void run_work(void *context)
{
    struct run *run = context;
    struct facts *facts = run->facts;
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    time_zone_use(run->scenario->backups.time_zone);
    facts->began = time(NULL);
    facts->began_ms = clock_ms();
    struct stages *stages = stages_run(run->scenario, &run->stages, facts);
    struct subject subject = {.scenario = run->scenario,
                              .facts = facts,
                              .archive = stages_archive(stages),
                              .manifest = stages_manifest(stages),
                              .previous = stages_previous(stages),
                              .database = stages_database(stages),
                              .objects = stages_objects(stages),
                              .now = facts->began};
    run_follow(run);
    struct error error;
    if (run->only)
        plan_select(&run->plan, run->only, run->outcomes);
    plan_select_tellers(&run->plan, facts, run->outcomes);
    stage_begin(facts, STAGE_CHECK);
    cleanup(archive_free) struct archive migrated = {0};
    struct error problem;
    run_migrations(run, stages, &migrated, &problem, &subject);
    cleanup(past_free) struct past past = {0};
    read_past(run, &past, &subject);
    int processes = processors() / run->stages.side_by_side;
    int checked = harness_run(run->name, &run->plan, &subject, run->outcomes,
                              processes > 0 ? (size_t)processes : 1, &error);
    stage_end(facts, STAGE_CHECK, checked, &error);
    if (checked < 0)
        outcomes_close(run->outcomes, run->plan.count, error.text);
    own_commands_look(run, &subject, stages);
    leave_record(run, stages);
    if (run->rehearsing)
        rehearsing_work(run->rehearsing, run, stages);
    stages_stop(stages);
}

/* --- when the worker has ended ---------------------------------------------------------------- */

static const char *stage_reached(const struct facts *facts)
{
    for (enum stage stage = STAGE_COUNT; stage-- > STAGE_FIND;)
        if (stage != STAGE_OBJECTS && facts->stages[stage].state == STAGE_RUNNING)
            return stage_name(stage);
    /* It runs beside the others, and is what is waited for when none of them does. */
    return facts->stages[STAGE_OBJECTS].state == STAGE_RUNNING ? stage_name(STAGE_OBJECTS)
                                                               : "start";
}

/* Checks that were at work when the server was taken from them found nothing out: what they said of
 * that would lead astray. */
static void close_cut_short(struct run *run, int64_t killed_ms, const char *reason)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        struct outcome *outcome = &run->outcomes[i];
        if (outcome->verdict != VERDICT_ERROR || outcome->started_ms == 0 ||
            outcome->started_ms + outcome->duration_ms < killed_ms)
            continue;
        outcome_detail(outcome, "at its end it said: %s", outcome->message);
        outcome_error(outcome, "%s", reason);
    }
}

void run_close(struct run *run, const struct worker *worker)
{
    cleanup(free_pointer) char *reason = NULL;
    const char *stage = stage_reached(run->facts);
    /* A check of a worker that was killed may still be about to end, and to say something else. */
    shared_leave(run->outcomes, run->outcomes_size);
    switch (worker->end) {
    case WORKER_INTERRUPTED:
        reason = xasprintf("interrupted at stage `%s`: the run was told to end", stage);
        break;
    case WORKER_OVERDUE:
        reason = xasprintf("stopped at stage `%s`: the time that --timeout gives was over", stage);
        break;
    case WORKER_DIED:
        reason =
            WIFSIGNALED(worker->status)
                ? xasprintf("the worker was killed by signal %d (%s) at stage `%s`",
                            WTERMSIG(worker->status), strsignal(WTERMSIG(worker->status)), stage)
                : xasprintf("the worker ended with code %d at stage `%s`",
                            WEXITSTATUS(worker->status), stage);
        break;
    case WORKER_DONE:
    case WORKER_NOT_ENDED:
        reason = xstrdup("the check was not run");
        break;
    }
    if (worker->end == WORKER_INTERRUPTED || worker->end == WORKER_OVERDUE)
        close_cut_short(run, worker->killed_ms, reason);
    outcomes_close(run->outcomes, run->plan.count, reason);
}

static void append_quoted(struct buffer *words, const char *path)
{
    buffer_append_text(words, words->length > 0 ? " '" : "'");
    for (; *path; path++)
        buffer_append(words, *path == '\'' ? "'\\''" : path, *path == '\'' ? 4 : 1);
    buffer_append_text(words, "'");
}

static void keep_directories(struct run *run)
{
    struct workdir *const directories[] = {run->work, run->socket_work};
    struct buffer words;
    buffer_init(&words, (size_t)16 * PATH_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        if (!directories[i])
            continue;
        append_quoted(&words, workdir_path(directories[i]));
        workdir_keep(directories[i]); /* frees it, with its path */
    }
    run->kept = buffer_steal(&words);
}

void run_clean_up(struct run *run, const struct worker *worker, struct strings *complaints)
{
    struct error error;
    if (run->stages.keep && worker->end == WORKER_DONE && *run->facts->server.psql) {
        if (run->facts->server.pid > 0) {
            keep_directories(run);
            return;
        }
        run->kept = xstrdup(""); /* on somebody's own server, where no directory of ours is used */
    }
    const struct stage_fact *stop = &run->facts->stages[STAGE_STOP];
    if (stop->state == STAGE_FAILED)
        strings_add(complaints, stop->error.text);
    if (worker->end != WORKER_DONE &&
        stages_clean_up(run->scenario, &run->stages, run->facts, &error) < 0)
        strings_add(complaints, error.text);
    if (workdir_remove(run->work, &error) < 0)
        strings_add(complaints, error.text);
    if (workdir_remove(run->socket_work, &error) < 0)
        strings_add(complaints, error.text);
}
