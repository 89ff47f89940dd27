/* restore-verifier sabotage: damages copies of each scenario's latest backup, verifies them as if
 * they were tonight's, and reports what was not noticed.
 *
 * One copy after the other: a worker makes it in its run's work directory and then does what a
 * worker of verify does (commands/run.h), for the same scenario, with that directory in place of
 * the one where its backups lie. The main process touches no backup here either; it judges
 * (noticing.h). */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/noticing.h"
#include "commands/options.h"
#include "commands/run.h"
#include "harness/harness.h"
#include "sabotage/sabotage.h"

struct sabotage_options {
    const char *seed;
    const char *only;
    int64_t timeout_s; /* 0: none */
};

static const struct own_option sabotage_options[] = {
    {"seed", "N", OPTION_TEXT, offsetof(struct sabotage_options, seed),
     "Choose what is damaged by this number, which the report of another run tells"},
    {"only", "GLOB", OPTION_TEXT, offsetof(struct sabotage_options, only),
     "Try only the damages whose name matches, such as 'a row *'"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct sabotage_options, timeout_s),
     "End the whole run after this time, such as 1h"},
    {0},
};

static const struct usage sabotage_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words =
        "Prove that the alarm works: damage copies of each scenario's latest backup, one after "
        "the other, verify each as if it were tonight's, and demand that verify calls it bad. The "
        "backup itself must be green, and is only read; the copies lie under TMPDIR, one at a "
        "time. What only an expectation of yours could have noticed, and none did, is a warning "
        "that says what to add; what every scenario must notice, a failure. The report of each is "
        "SCENARIO.sabotage.xml. Without names, the scenarios are those of the directory scenarios.",
    .options = sabotage_options,
    .takes_reports = true,
    .takes_format = true,
    .takes_verbose = true,
};

/* One scenario. */
struct saboteur {
    const struct common_options *common;
    const struct sabotage_options *options;
    uint64_t seed;
    int64_t deadline_ms;
    struct progress *progress; /* NULL: quiet */
    struct run *report;        /* the original, then each kind of damage */
    struct strings warned;     /* by the undamaged backup */
    struct workdir *fetched;   /* the backup out of a bucket, and where in it; or NULL */
    char *origin;
    bool *interrupted;
    int *exit_code;
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

static void complain(const struct saboteur *saboteur, const char *text)
{
    progress_clear(saboteur->progress);
    fprintf(stderr, "restore-verifier: %s\n", text);
    *saboteur->exit_code = EXIT_CANNOT_VERIFY;
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
    if (attempt->saboteur->progress)
        progress_update(attempt->saboteur->progress, &result, 1);
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
        complain(attempt->saboteur, complaints.items[i]);
}

static void attempt_prepare(struct saboteur *saboteur, const struct scenario *scenario,
                            const char *what, struct attempt *attempt)
{
    const struct run_settings settings = {.reports = saboteur->common->reports, .no_record = true};
    *attempt = (struct attempt){.saboteur = saboteur};
    run_prepare(&attempt->run, scenario, &settings);
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
                                            .deadline_ms = saboteur->deadline_ms,
                                            .tick = attempt_tick,
                                            .ended = attempt_ended,
                                            .context = attempt};
    int interrupted = workers_run(&attempt->worker, 1, &options);
    *saboteur->interrupted |= interrupted != 0 || attempt->worker.end == WORKER_OVERDUE;
    progress_clear(saboteur->progress);
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
    const struct workers_options options = {
        .jobs = 1, .deadline_ms = saboteur->deadline_ms, .tick = fetch_tick, .ended = fetch_ended};
    *saboteur->interrupted |= workers_run(&worker, 1, &options) != 0;
    int outcome = fetching.shared->done ? 0 : -1;
    if (outcome < 0 && worker.end == WORKER_DONE)
        *error = fetching.shared->error;
    else if (outcome < 0)
        cannot_verify(error, "the backup was not fetched to its end");
    shared_free(fetching.shared, sizeof(*fetching.shared));
    return outcome;
}

/* --- one scenario ----------------------------------------------------------------------------- */

static void report_write(const struct saboteur *saboteur)
{
    struct error error;
    struct result result = run_result(saboteur->report);
    if (junit_write(&result, saboteur->common->reports, &error) < 0)
        complain(saboteur, error.text);
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

static void tell_seed(const struct saboteur *saboteur, struct outcome *outcome)
{
    outcome_value(outcome, "sabotage.seed", "%" PRIu64, saboteur->seed);
}

/* The backup itself; true when it is green. What was learned of it goes into the report. */
static bool try_original(struct saboteur *saboteur, const struct scenario *scenario)
{
    struct outcome *outcome = &saboteur->report->outcomes[0];
    struct attempt attempt;
    struct error error;
    attempt_prepare(saboteur, scenario, "undamaged", &attempt);
    attempt_run(&attempt);
    struct result result = run_result(&attempt.run);
    saboteur->report->facts->backup = attempt.run.facts->backup;
    saboteur->report->facts->server = attempt.run.facts->server;
    outcome->started_ms = saboteur->report->facts->began_ms;
    outcome->duration_ms = clock_ms() - outcome->started_ms;
    bool green = noticing_is_green(&result, outcome);
    warned_checks(&result, &saboteur->warned);
    attempt_release(&attempt);
    if (green &&
        fetch(saboteur, scenario, name_in(saboteur->report->facts->backup.path), &error) < 0) {
        outcome_error(outcome, "%s", error.text);
        green = false;
    }
    tell_seed(saboteur, outcome);
    return green;
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
                                            .seed = saboteur->seed,
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

static void sabotage_scenario(struct saboteur *saboteur, const struct scenario *scenario)
{
    struct run *report = saboteur->report;
    report->facts->began_ms = clock_ms();
    time_zone_use(scenario->backups.time_zone);
    if (*saboteur->interrupted || !try_original(saboteur, scenario))
        skip_rest(saboteur, "not tried, because the undamaged backup is not green");
    for (size_t i = 1; i < report->plan.count && !*saboteur->interrupted; i++)
        if (report->outcomes[i].verdict == VERDICT_NONE)
            try_damage(saboteur, scenario, (enum sabotage_kind)(i - 1), &report->outcomes[i]);
    struct error error;
    if (workdir_remove(saboteur->fetched, &error) < 0)
        complain(saboteur, error.text);
    outcomes_close(report->outcomes, report->plan.count, "the run was told to end before");
    report_write(saboteur);
    strings_free(&saboteur->warned);
    free(saboteur->origin);
    time_zone_use(NULL);
}

/* --- all together ----------------------------------------------------------------------------- */

static void plan_damages(const struct scenario *scenario, struct plan *ret_plan)
{
    *ret_plan = (struct plan){0};
    plan_add_plain(ret_plan, "original", "the backup, undamaged");
    for (size_t kind = 0; kind < SABOTAGE_COUNT; kind++)
        if (kind != SABOTAGE_OBJECT || scenario->objects.check_count > 0)
            plan_add_plain(ret_plan, DAMAGE_GROUP, sabotage_name((enum sabotage_kind)kind));
}

static void prepare(const struct loaded *loaded, const struct sabotage_options *options,
                    struct run *runs, size_t index)
{
    struct plan plan;
    if (!loaded->scenarios[index]) {
        run_refuse_file(runs, index, loaded, REPORT_SABOTAGE);
        return;
    }
    plan_damages(loaded->scenarios[index], &plan);
    run_prepare_plan(&runs[index], loaded->scenarios[index], REPORT_SABOTAGE, &plan);
    for (size_t i = 1; i < plan.count && options->only; i++)
        if (fnmatch(options->only, plan.checks[i].name, 0) != 0)
            outcome_skip(&runs[index].outcomes[i], "not selected");
}

static void print_results(const struct common_options *common, const struct result *results,
                          size_t count)
{
    FILE *stream = common->text_on_stdout ? stdout : stderr;
    if (common->json)
        json_print(results, count, stdout);
    if (!common->quiet || results_exit_code(results, count) != EXIT_VERIFIED)
        console_print(results, count, wants_color(fileno(stream)), common->verbose, common->reports,
                      stream);
}

static int sabotage(const struct common_options *common, const struct sabotage_options *options,
                    uint64_t seed, const struct loaded *loaded)
{
    size_t count = loaded->paths.count;
    bool interrupted = false;
    int exit_code = EXIT_VERIFIED;
    struct run *runs = xcalloc(count, sizeof(*runs));
    struct result *results = xcalloc(count, sizeof(*results));
    struct saboteur saboteur = {
        .common = common,
        .options = options,
        .seed = seed,
        .deadline_ms =
            options->timeout_s > 0 ? deadline_after(options->timeout_s * 1000) : NO_DEADLINE,
        .progress = common->quiet
                        ? NULL
                        : progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO)),
        .interrupted = &interrupted,
        .exit_code = &exit_code};
    signals_block();
    workdir_sweep(workdir_parent());
    workdir_sweep("/tmp");
    for (size_t i = 0; i < count; i++) {
        prepare(loaded, options, runs, i);
        saboteur.report = &runs[i];
        report_write(&saboteur);
    }
    for (size_t i = 0; i < count; i++) {
        struct saboteur one = saboteur;
        one.report = &runs[i];
        if (loaded->scenarios[i])
            sabotage_scenario(&one, loaded->scenarios[i]);
        results[i] = run_result(&runs[i]);
    }
    print_results(common, results, count);
    if (!common->quiet)
        fprintf(stderr, "The same again: --seed %" PRIu64 "\n", seed);
    int worst = results_exit_code(results, count);
    for (size_t i = 0; i < count; i++)
        run_release(&runs[i]);
    progress_free(saboteur.progress);
    free(results);
    free(runs);
    return exit_code > worst ? exit_code : worst;
}

/* Short enough to be typed. */
static int seed_choose(const char *text, uint64_t *ret_seed)
{
    uint32_t random = (uint32_t)clock_ms();
    char *end;
    if (!text) {
        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
            random ^= (uint32_t)getpid();
        *ret_seed = random % 1000000;
        return 0;
    }
    errno = 0;
    *ret_seed = strtoull(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0')
        return 0;
    fprintf(stderr, "restore-verifier: --seed takes a number, not `%s`\n", text);
    return -1;
}

static int selection_check(const char *only)
{
    for (size_t kind = 0; only && kind < SABOTAGE_COUNT; kind++)
        if (fnmatch(only, sabotage_name((enum sabotage_kind)kind), 0) == 0)
            return 0;
    if (!only)
        return 0;
    fprintf(stderr, "restore-verifier: --only '%s' matches no damage; there are:\n", only);
    for (size_t kind = 0; kind < SABOTAGE_COUNT; kind++)
        fprintf(stderr, "  %s\n", sabotage_name((enum sabotage_kind)kind));
    return -1;
}

int command_sabotage(int argc, char **argv)
{
    struct common_options common;
    struct sabotage_options options = {0};
    struct loaded loaded;
    uint64_t seed;
    int exit_code = EXIT_CANNOT_VERIFY;
    options_parse(argc, argv, &sabotage_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN);
    if (seed_choose(options.seed, &seed) == 0 && selection_check(options.only) == 0) {
        scenarios_load_told(&common, &loaded);
        if (loaded.paths.count > 0)
            exit_code = sabotage(&common, &options, seed, &loaded);
        loaded_free(&loaded);
    }
    common_options_free(&common);
    return exit_code;
}
