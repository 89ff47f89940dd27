/* One copy after the other: a worker makes it in its run's work directory and then does what a
 * worker of verify does (run.h), for the same scenario, with that directory in place of the one
 * where its backups lie. The main process touches no backup here either; it judges (noticing.h). */
#include "commands/saboteur.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/noticing.h"
#include "harness/harness.h"
#include "sabotage/sabotage.h"

/* One scenario. */
struct saboteur {
    struct alarm *alarm;
    struct run *report;      /* the original, then each kind of damage */
    struct strings warned;   /* by the undamaged backup */
    struct workdir *fetched; /* the backup out of a bucket, and where in it; or NULL */
    char *origin;
};

/* One run of verify, of the backup or of a copy. */
struct attempt {
    struct saboteur *saboteur;
    struct run run;
    struct sabotage_order order;
    struct sabotage_fact *fact; /* shared; NULL: the backup itself */
    struct worker worker;
    char *directory; /* of the copy */
};

static void complain(struct alarm *alarm, const char *text)
{
    progress_clear(alarm->progress);
    fprintf(stderr, "restore-verifier: %s\n", text);
    alarm->exit_code = EXIT_CANNOT_VERIFY;
}

/* --- one run ---------------------------------------------------------------------------------- */

/* In the worker. */
static void attempt_work(void *context)
{
    struct attempt *attempt = context;
    signal(SIGPIPE, SIG_IGN);
    if (attempt->fact) {
        time_zone_use(attempt->order.scenario->backups.time_zone);
        sabotage_make(&attempt->order, attempt->fact);
        if (attempt->fact->state != SABOTAGE_MADE)
            return;
    }
    run_work(&attempt->run);
}

static void attempt_tick(void *context)
{
    struct attempt *attempt = context;
    struct result result = run_result(&attempt->run);
    run_follow(&attempt->run);
    if (attempt->saboteur->alarm->progress)
        progress_update(attempt->saboteur->alarm->progress, &result, 1);
}

static void attempt_ended(void *context, size_t index)
{
    struct attempt *attempt = context;
    cleanup(strings_free) struct strings complaints = {0};
    (void)index;
    run_follow(&attempt->run);
    run_close(&attempt->run, &attempt->worker);
    run_clean_up(&attempt->run, &attempt->worker, &complaints);
    for (size_t i = 0; i < complaints.count; i++)
        complain(attempt->saboteur->alarm, complaints.items[i]);
}

static void attempt_prepare(struct saboteur *saboteur, const struct scenario *scenario,
                            const char *what, struct attempt *attempt)
{
    const struct run_settings settings = {.reports = saboteur->alarm->common->reports,
                                          .server = saboteur->alarm->server,
                                          .no_cache = saboteur->alarm->no_cache,
                                          .side_by_side = 1,
                                          .no_record = true};
    *attempt = (struct attempt){.saboteur = saboteur};
    run_prepare(&attempt->run, scenario, &settings);
    run_make_ready(&attempt->run);
    free(attempt->run.name);
    attempt->run.name = xasprintf("%s, %s", scenario->name, what);
    attempt->worker = (struct worker){.run = attempt_work, .context = attempt};
}

static void attempt_run(struct attempt *attempt)
{
    struct saboteur *saboteur = attempt->saboteur;
    if (!attempt->run.scenario) /* refused */
        return;
    const struct workers_options options = {.jobs = 1,
                                            .deadline_ms = saboteur->alarm->deadline_ms,
                                            .tick = attempt_tick,
                                            .ended = attempt_ended,
                                            .context = attempt};
    int interrupted = workers_run(&attempt->worker, 1, &options);
    saboteur->alarm->interrupted |= interrupted != 0 || attempt->worker.end == WORKER_OVERDUE;
    progress_clear(saboteur->alarm->progress);
    if (interrupted != 0)
        fprintf(stderr, "restore-verifier: interrupted (%s)\n", strsignal(interrupted));
}

static void attempt_release(struct attempt *attempt)
{
    if (attempt->fact)
        shared_free(attempt->fact, sizeof(*attempt->fact));
    run_release(&attempt->run);
    free(attempt->directory);
}

/* --- out of a bucket -------------------------------------------------------------------------- */

struct fetching {
    const struct scenario *scenario;
    const char *name;
    const char *directory;
    struct shared_fetch {
        bool done;
        struct error error;
    } * shared;
};

static void fetch_work(void *context)
{
    const struct fetching *fetching = context;
    signal(SIGPIPE, SIG_IGN);
    fetching->shared->done = sabotage_fetch(fetching->scenario, fetching->name, fetching->directory,
                                            &fetching->shared->error) == 0;
}

static void fetch_tick(void *context)
{
    (void)context;
}

static void fetch_ended(void *context, size_t index)
{
    (void)context;
    (void)index;
}

/* Once for all copies. */
static int fetch(struct saboteur *saboteur, const struct scenario *scenario, const char *name,
                 struct error *error)
{
    if (!starts_with(scenario->backups.location, "s3://"))
        return 0;
    if (workdir_create(workdir_parent(), &saboteur->fetched, error) < 0)
        return -1;
    saboteur->origin = xasprintf("%s/backup", workdir_path(saboteur->fetched));
    struct fetching fetching = {.scenario = scenario,
                                .name = name,
                                .directory = saboteur->origin,
                                .shared = shared_alloc(sizeof(*fetching.shared))};
    struct worker worker = {.run = fetch_work, .context = &fetching};
    const struct workers_options options = {.jobs = 1,
                                            .deadline_ms = saboteur->alarm->deadline_ms,
                                            .tick = fetch_tick,
                                            .ended = fetch_ended};
    saboteur->alarm->interrupted |= workers_run(&worker, 1, &options) != 0;
    int outcome = fetching.shared->done ? 0 : -1;
    if (outcome < 0 && worker.end == WORKER_DONE)
        *error = fetching.shared->error;
    else if (outcome < 0)
        cannot_verify(error, "the backup was not fetched to its end");
    shared_free(fetching.shared, sizeof(*fetching.shared));
    return outcome;
}

/* --- one scenario ----------------------------------------------------------------------------- */

void saboteur_report(struct alarm *alarm, const struct run *report)
{
    struct error error;
    struct result result = run_result(report);
    if (report_write(&result, alarm->common->reports, &error) < 0)
        complain(alarm, error.text);
}

void saboteur_forget(struct alarm *alarm, const struct run *report)
{
    struct error error;
    struct result result = run_result(report);
    if (report_remove(&result, alarm->common->reports, &error) < 0)
        complain(alarm, error.text);
}

static void skip_rest(struct saboteur *saboteur, const char *why)
{
    const struct run *report = saboteur->report;
    for (size_t i = 0; i < report->plan.count; i++)
        if (report->outcomes[i].verdict == VERDICT_NONE)
            outcome_skip(&report->outcomes[i], "%s", why);
}

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What was learned of the backup goes into the report. */
static void take_original(struct saboteur *saboteur, const struct run *run)
{
    struct result result = run_result(run);
    saboteur->report->facts->backup = run->facts->backup;
    saboteur->report->facts->server = run->facts->server;
    warned_checks(&result, &saboteur->warned);
}

static bool try_original(struct saboteur *saboteur, const struct scenario *scenario,
                         struct outcome *outcome)
{
    struct attempt attempt;
    attempt_prepare(saboteur, scenario, "undamaged", &attempt);
    attempt_run(&attempt);
    struct result result = run_result(&attempt.run);
    bool green = noticing_is_green(&result, outcome);
    take_original(saboteur, &attempt.run);
    attempt_release(&attempt);
    return green;
}

/* The backup itself, which must be green; `green` has found that already, or is NULL. */
static bool open_original(struct saboteur *saboteur, const struct scenario *scenario,
                          const struct run *green)
{
    struct outcome *outcome = &saboteur->report->outcomes[0];
    struct error error;
    bool is_green = true;
    outcome->started_ms = clock_ms();
    if (green) {
        take_original(saboteur, green);
        outcome_pass(outcome, "every check passed");
    } else {
        is_green = try_original(saboteur, scenario, outcome);
    }
    const char *name = name_in(saboteur->report->facts->backup.path);
    if (is_green && fetch(saboteur, scenario, name, &error) < 0) {
        outcome_error(outcome, "%s", error.text);
        is_green = false;
    }
    outcome->duration_ms = clock_ms() - outcome->started_ms;
    outcome_value(outcome, "sabotage.seed", "%" PRIu64, saboteur->alarm->seed);
    return is_green;
}

static void judge(const struct attempt *attempt, struct outcome *outcome)
{
    const struct saboteur *saboteur = attempt->saboteur;
    struct sabotage_fact *fact = attempt->fact;
    /* A process that crashed may have left it in any state. */
    fact->done[sizeof(fact->done) - 1] = fact->remedy[sizeof(fact->remedy) - 1] = '\0';
    fact->error.text[sizeof(fact->error.text) - 1] = '\0';
    struct result result = run_result(&attempt->run);
    if (!attempt->run.scenario || attempt->worker.end != WORKER_DONE)
        outcome_error(outcome, "%.*s", (int)sizeof(result.outcomes->message),
                      result.outcomes->message);
    else if (fact->state == SABOTAGE_NOT_HERE)
        outcome_skip(outcome, "%s", fact->done);
    else if (fact->state != SABOTAGE_MADE)
        outcome_error(outcome, "the copy could not be damaged: %s", fact->error.text);
    else
        noticing_judge(&result, fact, &saboteur->warned, attempt->directory, outcome);
}

static void try_damage(struct saboteur *saboteur, const struct scenario *scenario,
                       enum sabotage_kind kind, struct outcome *outcome)
{
    const struct backup_fact *backup = &saboteur->report->facts->backup;
    struct attempt attempt;
    outcome->started_ms = clock_ms();
    attempt_prepare(saboteur, scenario, sabotage_name(kind), &attempt);
    attempt.fact = shared_alloc(sizeof(*attempt.fact));
    if (attempt.run.scenario)
        attempt.directory = xasprintf("%s/damaged", workdir_path(attempt.run.work));
    attempt.run.stages.instead = attempt.directory;
    attempt.order = (struct sabotage_order){.scenario = scenario,
                                            .kind = kind,
                                            .seed = saboteur->alarm->seed,
                                            .origin = saboteur->origin,
                                            .name = name_in(backup->path),
                                            .size_bytes = backup->size_bytes,
                                            .modified = backup->modified,
                                            .directory = attempt.directory};
    attempt_run(&attempt);
    judge(&attempt, outcome);
    if (attempt.fact->state == SABOTAGE_MADE)
        outcome_value(outcome, sabotage_name(kind), "%s", attempt.fact->done);
    attempt_release(&attempt);
    outcome->duration_ms = clock_ms() - outcome->started_ms;
}

/* The kinds in the order in which they are tried: that of the report, or, where not all are, one
 * that the seed tells. */
static void order_kinds(const struct saboteur *saboteur, size_t *order, size_t count)
{
    uint64_t state = saboteur->alarm->seed;
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1 && saboteur->alarm->most > 0; i--) {
        size_t other = (size_t)sabotage_random(&state, i);
        size_t taken = order[i - 1];
        order[i - 1] = order[other];
        order[other] = taken;
    }
}

static void try_damages(struct saboteur *saboteur, const struct scenario *scenario)
{
    const struct run *report = saboteur->report;
    const struct alarm *alarm = saboteur->alarm;
    size_t order[SABOTAGE_COUNT];
    size_t count = report->plan.count - 1;
    size_t tried = 0;
    order_kinds(saboteur, order, count);
    for (size_t i = 0; i < count && !alarm->interrupted; i++) {
        struct outcome *outcome = &report->outcomes[order[i] + 1];
        if (outcome->verdict != VERDICT_NONE)
            continue;
        if (alarm->most > 0 && tried == alarm->most) {
            outcome_skip(outcome, "not tonight");
            continue;
        }
        try_damage(saboteur, scenario, (enum sabotage_kind)order[i], outcome);
        tried += outcome->verdict != VERDICT_SKIP;
    }
}

void saboteur_try(struct alarm *alarm, const struct scenario *scenario, struct run *report,
                  const struct run *green)
{
    struct saboteur saboteur = {.alarm = alarm, .report = report};
    struct error error;
    report->facts->began_ms = clock_ms();
    time_zone_use(scenario->backups.time_zone);
    if (!alarm->interrupted && open_original(&saboteur, scenario, green))
        try_damages(&saboteur, scenario);
    else
        skip_rest(&saboteur, "not tried, because the undamaged backup is not green");
    if (workdir_remove(saboteur.fetched, &error) < 0)
        complain(alarm, error.text);
    outcomes_close(report->outcomes, report->plan.count, "the run was told to end before");
    saboteur_report(alarm, report);
    strings_free(&saboteur.warned);
    free(saboteur.origin);
    time_zone_use(NULL);
}

void saboteur_prepare(const struct scenario *scenario, const char *only, struct run *report)
{
    struct plan plan = {0};
    plan_add_plain(&plan, "original", "the backup, undamaged");
    for (size_t kind = 0; kind < SABOTAGE_COUNT; kind++)
        if (kind != SABOTAGE_OBJECT || scenario->objects.check_count > 0)
            plan_add_plain(&plan, DAMAGE_GROUP, sabotage_name((enum sabotage_kind)kind));
    run_prepare_plan(report, scenario, REPORT_SABOTAGE, &plan);
    for (size_t i = 1; i < plan.count && only; i++)
        if (fnmatch(only, plan.checks[i].name, 0) != 0)
            outcome_skip(&report->outcomes[i], "not selected");
}
