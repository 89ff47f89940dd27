/* restore-verifier verify: restores the latest backup of each scenario and checks it.
 *
 * The main process plans, watches and reports; the work is done by one worker process a scenario
 * (harness/workers). What a worker learns and says lies in memory shared with the main process, so
 * that every scenario gets its report, whatever becomes of its worker. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "base/workdir.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "harness/harness.h"
#include "harness/workers.h"
#include "postgres/cluster.h"
#include "report/report.h"
#include "scenario/quantity.h"
#include "stages/stages.h"

struct verify_options {
    const char *backup;
    const char *server;
    const char *only;
    bool keep;
    bool always_restore;
    int64_t timeout_s; /* 0: none */
};

/* One scenario of this run. */
struct run {
    const struct scenario *scenario; /* NULL: its file could not be loaded */
    char *name;
    struct plan plan;
    struct facts *facts;      /* shared */
    struct outcome *outcomes; /* shared */
    struct workdir *work;
    struct workdir
        *socket_work; /* another one where the first one's name is too long for a socket */
    struct stages_options stages;
    bool is_partial; /* --only leaves checks out */
};

/* The whole of it. */
struct verification {
    const struct common_options *common;
    const struct verify_options *options;
    struct run *runs;
    struct worker *workers; /* as many as runs; those without scenario are never run */
    struct result *results;
    size_t count;
    struct progress *progress;
    int exit_code; /* worse than the results', when something of ours failed */
};

/* --- options ---------------------------------------------------------------------------------- */

enum {
    OPTION_BACKUP = 2000,
    OPTION_SERVER,
    OPTION_ONLY,
    OPTION_KEEP,
    OPTION_TIMEOUT,
    OPTION_ALWAYS
};

static const struct argp_option verify_list[] = {
    {"backup", OPTION_BACKUP, "FILE", 0, "Verify this backup instead of the latest", 1},
    {"server", OPTION_SERVER, "URL", 0,
     "Restore into a new database on this server instead of a throwaway one", 1},
    {"only", OPTION_ONLY, "GLOB", 0, "Run only the checks whose name matches", 1},
    {"keep", OPTION_KEEP, NULL, 0, "Leave the restored database running, and tell how to open it",
     1},
    {"always-restore", OPTION_ALWAYS, NULL, 0, "Restore also what was found to be damaged", 1},
    {"timeout", OPTION_TIMEOUT, "DURATION", 0, "End the whole run after this time, such as 30m", 1},
    {0},
};

static error_t parse_verify(int key, char *argument, struct argp_state *state)
{
    struct verify_options *options = state->input;
    switch (key) {
    case OPTION_BACKUP:
        options->backup = argument;
        return 0;
    case OPTION_SERVER:
        options->server = argument;
        return 0;
    case OPTION_ONLY:
        options->only = argument;
        return 0;
    case OPTION_KEEP:
        options->keep = true;
        return 0;
    case OPTION_ALWAYS:
        options->always_restore = true;
        return 0;
    case OPTION_TIMEOUT:
        if (duration_parse(argument, &options->timeout_s) < 0)
            argp_error(state, "--timeout takes a duration such as 90s or 30m, not `%s`", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp verify_argp = {
    .options = verify_list,
    .parser = parse_verify,
    .args_doc = "[SCENARIO.yaml ...]",
    .doc = "Restore the latest backup of each scenario into a throwaway server, check what came "
           "back, and write a JUnit report for each. Without names, the scenarios are those of the "
           "directory scenarios.",
};

/* --- preparing -------------------------------------------------------------------------------- */

/* A run that cannot start still leaves a report: a plan of one check that has its verdict already.
 */
static void run_refuse(struct run *run, const char *check_name, const char *reason)
{
    plan_free(&run->plan);
    run->plan.checks = xcalloc(1, sizeof(*run->plan.checks));
    run->plan.count = 1;
    run->plan.checks[0].group = xstrdup("scenario");
    run->plan.checks[0].name = xstrdup(check_name);
    run->outcomes = shared_alloc(sizeof(*run->outcomes));
    outcome_error(&run->outcomes[0], "%s", reason);
    run->scenario = NULL;
}

/* "scenarios/bugspark.yaml" -> "bugspark" */
static char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return xstrndup(name, strcspn(name, "."));
}

static void tell_problems(struct run *run, const struct strings *problems)
{
    struct buffer text;
    buffer_init(&text, 8192);
    for (size_t i = 0; i < problems->count; i++)
        buffer_printf(&text, "%s%s", i ? "\n" : "", problems->items[i]);
    run_refuse(run, "scenario file is valid", text.data);
    buffer_free(&text);
}

static int make_work(struct run *run, struct error *error)
{
    if (workdir_create(workdir_parent(), &run->work, error) < 0)
        return -1;
    run->stages.work = workdir_path(run->work);
    run->stages.socket_work = run->stages.work;
    /* libpq takes a comma in the name of a socket's directory for the beginning of another host. */
    if (strlen(run->stages.work) <= SOCKET_PARENT_LIMIT && !strchr(run->stages.work, ','))
        return 0;
    if (workdir_create("/tmp", &run->socket_work, error) < 0)
        return error_prefix(error,
                            "a server's socket cannot be in TMPDIR, whose name is too long or "
                            "has a comma, and: ");
    run->stages.socket_work = workdir_path(run->socket_work);
    return 0;
}

static void run_prepare(struct run *run, const struct scenario *scenario,
                        const struct verify_options *options, const char *reports)
{
    struct error error;
    cleanup(strings_free) struct strings problems = {0};
    run->scenario = scenario;
    scenario_unsupported(scenario, &problems);
    if (problems.count > 0) {
        tell_problems(run, &problems);
        return;
    }
    plan_build(scenario, options->only, &run->plan);
    run->is_partial = options->only != NULL;
    if (run->plan.count == 0) {
        cleanup(free_pointer) char *reason = xasprintf(
            "no check of the scenario matches --only '%s': nothing was verified", options->only);
        run_refuse(run, "a check is run", reason);
        return;
    }
    run->stages = (struct stages_options){.backup = options->backup,
                                          .server = options->server,
                                          .reports = reports,
                                          .keep = options->keep,
                                          .always_restore = options->always_restore};
    if (make_work(run, &error) < 0) {
        run_refuse(run, "a work directory can be made", error.text);
        return;
    }
    run->outcomes = shared_alloc(run->plan.count * sizeof(*run->outcomes));
}

static void run_release(struct run *run)
{
    shared_free(run->outcomes, run->plan.count * sizeof(*run->outcomes));
    shared_free(run->facts, sizeof(*run->facts));
    plan_free(&run->plan);
    free(run->name);
}

/* --- in the worker ---------------------------------------------------------------------------- */

static void leave_record(struct run *run, struct stages *stages)
{
    struct totals totals;
    struct result result = {
        .scenario = run->name, .facts = run->facts, .plan = &run->plan, .outcomes = run->outcomes};
    result_totals(&result, &totals);
    stages_record(stages, outcomes_prove(&run->plan, run->outcomes, !run->is_partial),
                  totals.passed, totals.warnings);
}

static void run_work(void *context)
{
    struct run *run = context;
    struct facts *facts = run->facts;
    facts->began = time(NULL);
    facts->began_ms = clock_ms();
    struct stages *stages = stages_run(run->scenario, &run->stages, facts);
    struct subject subject = {.scenario = run->scenario,
                              .facts = facts,
                              .archive = stages_archive(stages),
                              .manifest = stages_manifest(stages),
                              .previous = stages_previous(stages),
                              .database = stages_database(stages),
                              .now = facts->began};
    struct error error;
    stage_begin(facts, STAGE_CHECK);
    int checked = harness_run(run->name, &run->plan, &subject, run->outcomes, &error);
    stage_end(facts, STAGE_CHECK, checked, &error);
    if (checked < 0)
        outcomes_close(run->outcomes, run->plan.count, error.text);
    leave_record(run, stages);
    stages_stop(stages);
}

/* --- when a worker has ended ------------------------------------------------------------------ */

static const char *stage_reached(const struct facts *facts)
{
    for (enum stage stage = STAGE_COUNT; stage-- > STAGE_FIND;)
        if (facts->stages[stage].state == STAGE_RUNNING)
            return stage_name(stage);
    return "start";
}

/* What becomes of the checks that have no verdict: an error with the reason. */
static void close_outcomes(struct run *run, const struct worker *worker)
{
    cleanup(free_pointer) char *reason = NULL;
    const char *stage = stage_reached(run->facts);
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
    outcomes_close(run->outcomes, run->plan.count, reason);
}

static void complain(struct verification *verification, const char *text)
{
    progress_clear(verification->progress);
    fprintf(stderr, "restore-verifier: %s\n", text);
    verification->exit_code = EXIT_CANNOT_VERIFY;
}

static void write_report(struct verification *verification, size_t index)
{
    struct error error;
    if (junit_write(&verification->results[index], verification->common->reports, &error) < 0)
        complain(verification, error.text);
}

/* The main process takes away what a worker left, however it ended. */
static void clean_up(struct verification *verification, struct run *run,
                     const struct worker *worker)
{
    struct error error;
    bool kept = run->stages.keep && worker->end == WORKER_DONE && *run->facts->server.psql;
    if (kept) {
        workdir_keep(run->work);
        if (run->socket_work)
            workdir_keep(run->socket_work);
        return;
    }
    if (worker->end != WORKER_DONE &&
        stages_clean_up(run->scenario, &run->stages, run->facts, &error) < 0)
        complain(verification, error.text);
    if (workdir_remove(run->work, &error) < 0)
        complain(verification, error.text);
    if (workdir_remove(run->socket_work, &error) < 0)
        complain(verification, error.text);
}

/* Without a record `prune` only keeps more than it has to: no reason to call a good backup anything
 * else. One that could not be removed belongs to a run that is red already. */
static void complain_about_record(struct verification *verification, const struct run *run)
{
    progress_clear(verification->progress);
    fprintf(stderr, "restore-verifier: %s: the record of this verification: %s\n", run->name,
            run->facts->record.problem);
}

static void worker_ended(void *context, size_t index)
{
    struct verification *verification = context;
    struct run *run = &verification->runs[index];
    close_outcomes(run, &verification->workers[index]);
    clean_up(verification, run, &verification->workers[index]);
    if (*run->facts->record.problem)
        complain_about_record(verification, run);
    const struct stage_fact *stop = &run->facts->stages[STAGE_STOP];
    if (stop->state == STAGE_FAILED)
        complain(verification, stop->error.text);
    write_report(verification, index);
}

static void tick(void *context)
{
    struct verification *verification = context;
    if (verification->progress)
        progress_update(verification->progress, verification->results, verification->count);
}

/* --- all together ----------------------------------------------------------------------------- */

static void tell_kept(const struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        const struct run *run = &verification->runs[i];
        const struct server_fact *server = &run->facts->server;
        if (!run->stages.keep || !*server->psql)
            continue;
        fprintf(stderr, "The restored database is still there: %s\n", server->psql);
        if (server->pid > 0)
            fprintf(stderr, "When you are done with it: kill -QUIT %d; rm -rf %s\n",
                    (int)server->pid, run->stages.work);
        else
            fprintf(stderr, "When you are done with it: DROP DATABASE %s\n", server->database);
    }
}

static void print_results(const struct verification *verification)
{
    const struct common_options *common = verification->common;
    if (common->json)
        json_print(verification->results, verification->count, stdout);
    if (common->quiet)
        return;
    FILE *stream = common->text_on_stdout ? stdout : stderr;
    console_print(verification->results, verification->count, wants_color(fileno(stream)),
                  common->verbose, common->reports, stream);
}

/* Runs whose scenario is fit to run, through workers. Both arrays keep the order of the runs: those
 * that were refused stand at the end. */
static void verify_all(struct verification *verification)
{
    size_t runnable = 0;
    while (runnable < verification->count && verification->runs[runnable].scenario)
        runnable++;
    for (size_t i = runnable; i < verification->count; i++)
        write_report(verification, i);
    for (size_t i = 0; i < runnable; i++)
        verification->workers[i] =
            (struct worker){.run = run_work, .context = &verification->runs[i]};
    int64_t timeout_s = verification->options->timeout_s;
    struct workers_options options = {
        .jobs = verification->common->jobs ? (size_t)verification->common->jobs : 1,
        .deadline_ms = timeout_s > 0 ? deadline_after(timeout_s * 1000) : NO_DEADLINE,
        .tick = tick,
        .ended = worker_ended,
        .context = verification,
    };
    int interrupted = workers_run(verification->workers, runnable, &options);
    progress_clear(verification->progress);
    if (interrupted != 0)
        fprintf(stderr, "restore-verifier: interrupted (%s)\n", strsignal(interrupted));
}

static int refused_last(const void *left, const void *right)
{
    const struct run *a = left;
    const struct run *b = right;
    return (a->scenario == NULL) - (b->scenario == NULL);
}

static void prepare_all(struct verification *verification, const struct strings *paths,
                        struct scenario *const *scenarios, const struct strings *problems)
{
    for (size_t i = 0; i < verification->count; i++) {
        struct run *run = &verification->runs[i];
        run->facts = shared_alloc(sizeof(*run->facts));
        run->facts->began = time(NULL);
        run->name = scenarios[i] ? xstrdup(scenarios[i]->name) : name_of_file(paths->items[i]);
        if (scenarios[i])
            run_prepare(run, scenarios[i], verification->options, verification->common->reports);
        else
            tell_problems(run, problems);
    }
    qsort(verification->runs, verification->count, sizeof(struct run), refused_last);
    for (size_t i = 0; i < verification->count; i++) {
        const struct run *run = &verification->runs[i];
        verification->results[i] = (struct result){.scenario = run->name,
                                                   .facts = run->facts,
                                                   .plan = &run->plan,
                                                   .outcomes = run->outcomes};
    }
}

static int verify(const struct common_options *common, const struct verify_options *options,
                  const struct strings *paths, struct scenario *const *scenarios,
                  const struct strings *problems)
{
    struct verification verification = {
        .common = common,
        .options = options,
        .runs = xcalloc(paths->count, sizeof(struct run)),
        .workers = xcalloc(paths->count, sizeof(struct worker)),
        .results = xcalloc(paths->count, sizeof(struct result)),
        .count = paths->count,
        .progress = common->quiet
                        ? NULL
                        : progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO)),
    };
    signals_block();
    workdir_sweep(workdir_parent());
    workdir_sweep("/tmp");
    prepare_all(&verification, paths, scenarios, problems);
    verify_all(&verification);
    print_results(&verification);
    tell_kept(&verification);
    int exit_code = results_exit_code(verification.results, verification.count);
    if (verification.exit_code > exit_code)
        exit_code = verification.exit_code;
    for (size_t i = 0; i < verification.count; i++)
        run_release(&verification.runs[i]);
    progress_free(verification.progress);
    free(verification.runs);
    free(verification.workers);
    free(verification.results);
    return exit_code;
}

/* Nothing is restored when its report could not be written. */
static int reports_writable(const char *directory, struct error *error)
{
    if (mkdir(directory, 0777) < 0 && errno != EEXIST)
        return cannot_verify(error,
                             "cannot make the reports directory %s: %s; name another one "
                             "with --reports",
                             directory, strerror(errno));
    if (access(directory, W_OK | X_OK) < 0)
        return cannot_verify(error,
                             "cannot write to the reports directory %s: %s; name another one "
                             "with --reports",
                             directory, strerror(errno));
    return 0;
}

static int check_usage(const struct common_options *common, const struct verify_options *options,
                       const struct strings *paths, struct error *error)
{
    if (paths->count == 0)
        return cannot_verify(error,
                             "there is no scenario file: name one, or put one into scenarios/");
    if (options->backup && paths->count != 1)
        return cannot_verify(error, "--backup goes with exactly one scenario, and there are %zu",
                             paths->count);
    return reports_writable(common->reports, error);
}

int command_verify(int argc, char **argv)
{
    struct common_options common;
    struct verify_options options = {0};
    options_parse(argc, argv, &verify_argp, &common, &options);
    struct strings paths = {0};
    struct error error;
    scenario_paths(&common, &paths);
    int exit_code = EXIT_CANNOT_VERIFY;
    if (check_usage(&common, &options, &paths, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s\n", error.text);
    } else {
        struct strings problems = {0};
        struct scenario **scenarios = scenarios_load(&paths, &problems);
        for (size_t i = 0; i < problems.count; i++)
            fprintf(stderr, "%s\n", problems.items[i]);
        exit_code = verify(&common, &options, &paths, scenarios, &problems);
        scenarios_free(scenarios, paths.count);
        strings_free(&problems);
    }
    strings_free(&paths);
    common_options_free(&common);
    return exit_code;
}
