/* restore-verifier verify: restores the latest backup of each scenario and checks it.
 *
 * The main process plans, watches and reports; the work is done by one worker process a scenario
 * (harness/workers). What a worker learns and says lies in memory shared with the main process, so
 * that every scenario gets its report, whatever becomes of its worker. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/workdir.h"
#include "commands/commands.h"
#include "commands/jobs.h"
#include "commands/loading.h"
#include "commands/notifying.h"
#include "commands/options.h"
#include "commands/rehearsing.h"
#include "commands/remember.h"
#include "commands/run.h"
#include "commands/saboteur.h"
#include "commands/usual.h"
#include "commands/verify.h"
#include "report/json_fields.h"

enum { USUAL_AFTER_MS = 700 }; /* shorter runs show nothing */

/* The whole of it. All arrays have `count` places. */
struct verification {
    const struct common_options *common;
    const struct verify_options *options;
    struct run *runs; /* in the order of the files */
    struct result *results;
    size_t count;
    size_t result_count;    /* with those on alarms, behind the others */
    struct worker *workers; /* one for each run that was not refused */
    struct run **working;   /* the run of each worker */
    size_t worker_count;
    struct rehearsing *rehearsals; /* of each run, where that is asked for */
    struct run *alarms; /* of each run, the report on its alarm, where that is asked for */
    struct alarm alarm;
    int64_t deadline_ms;
    bool interrupted;
    struct progress *progress;
    struct usual_times *usual; /* of each run, for its progress */
    bool *asked;               /* of each: was it looked for? */
    int exit_code;             /* worse than the results', when something of ours failed */
    struct strings complaints; /* what that was */
};

/* --- options ---------------------------------------------------------------------------------- */

static const struct own_option verify_options[] = {
    {"backup", "FILE", OPTION_TEXT, offsetof(struct verify_options, run.backup),
     "Verify this backup, also s3://bucket/key, instead of the latest; one file of a set, or the "
     "directory that it lies in, stands for all of them"},
    {"server", "URL", OPTION_TEXT, offsetof(struct verify_options, run.server),
     "Restore into a new database on this server instead of a throwaway one"},
    {"only", "GLOB", OPTION_TEXT, offsetof(struct verify_options, run.only),
     "Run only the checks whose name matches, and those of a stage that failed; the report is "
     "SCENARIO.partial.xml"},
    {"keep", NULL, OPTION_FLAG, offsetof(struct verify_options, run.keep),
     "Leave the restored database running, and tell how to open it"},
    {"postgresql", "MAJOR", OPTION_TEXT, offsetof(struct verify_options, postgresql),
     "Restore into a throwaway server of this version, such as 17, to try an upgrade"},
    {"no-cache", NULL, OPTION_FLAG, offsetof(struct verify_options, run.no_cache),
     "Make the throwaway server by initdb, not from the ready cluster that an earlier run kept"},
    {"always-restore", NULL, OPTION_FLAG, offsetof(struct verify_options, run.always_restore),
     "Restore also what was found to be damaged"},
    {"prove-alarm", "K", OPTION_TEXT, offsetof(struct verify_options, prove_alarm),
     "Where every check passed, damage K copies of the backup, each day in other ways, and demand "
     "that they do not pass (see sabotage)"},
    {"rehearse", NULL, OPTION_FLAG, offsetof(struct verify_options, rehearse),
     "Where the backup is good, and the scenario has migrations, rehearse them (see rehearse)"},
    {"no-notify", NULL, OPTION_FLAG, offsetof(struct verify_options, no_notify),
     "Tell none of those that scenarios name under `notify`"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct verify_options, timeout_s),
     "End the whole run after this time, such as 30m"},
    {0},
};

static const struct usage verify_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Restore the latest backup of each scenario into a throwaway server, check what came "
             "back, and write a JUnit report for each. Without names, the scenarios are those of "
             "the directory scenarios.",
    .options = verify_options,
    .takes_reports = true,
    .takes_jobs = true,
    .takes_format = true,
    .takes_verbose = true,
};

/* --- when a worker has ended ------------------------------------------------------------------ */

static void complain(struct verification *verification, const char *text)
{
    verification->exit_code = EXIT_CANNOT_VERIFY;
    if (strings_contain(&verification->complaints, text))
        return; /* the report of before the run could not be written either */
    strings_add(&verification->complaints, text);
    progress_clear(verification->progress);
    fprintf(stderr, "restore-verifier: %s\n", text);
}

static void write_report(struct verification *verification, const struct run *run)
{
    struct error error;
    struct result result = run_result(run);
    if (report_write(&result, verification->common->reports, &error) < 0)
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

/* What its command may have left running, when the worker was killed, is our child now. */
static void close_rehearsal(struct verification *verification, const struct run *run)
{
    struct pids others = {0};
    struct error error;
    if (!run->rehearsing)
        return;
    for (size_t i = 0; i < verification->worker_count; i++)
        if (verification->workers[i].pid > 0)
            pids_add(&others, verification->workers[i].pid);
    rehearsing_close(run->rehearsing, run, &others);
    pids_free(&others);
    struct result result = rehearsing_result(run->rehearsing);
    if (report_write(&result, verification->common->reports, &error) < 0)
        complain(verification, error.text);
}

static bool make_ready(void *context, size_t index)
{
    struct verification *verification = context;
    struct run *run = verification->working[index];
    bool is_ready = run_make_ready(run);
    verification->results[run - verification->runs] = run_result(run);
    return is_ready;
}

static void worker_ended(void *context, size_t index)
{
    struct verification *verification = context;
    struct run *run = verification->working[index];
    const struct worker *worker = &verification->workers[index];
    cleanup(strings_free) struct strings complaints = {0};
    run_follow(run);
    run_close(run, worker);
    close_rehearsal(verification, run);
    run_clean_up(run, worker, &complaints);
    if (worker->end != WORKER_DONE)
        verification->exit_code = EXIT_CANNOT_VERIFY;
    for (size_t i = 0; i < complaints.count; i++)
        complain(verification, complaints.items[i]);
    if (*run->facts->record.problem)
        complain_about_record(verification, run);
    write_report(verification, run);
}

/* Only a run that is shown asks what earlier ones took, and each once. */
static void find_usual(struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        const struct run *run = &verification->runs[i];
        int64_t began_ms = run->facts->began_ms;
        if (!run->scenario || verification->asked[i] || began_ms == 0 ||
            clock_ms() - began_ms < USUAL_AFTER_MS)
            continue;
        verification->asked[i] = true;
        if (usual_times_read(run->scenario, verification->common->reports, &verification->usual[i]))
            verification->results[i].usual = &verification->usual[i];
        return; /* the next one at the next tick: others are not kept waiting */
    }
}

static void tick(void *context)
{
    struct verification *verification = context;
    for (size_t i = 0; i < verification->worker_count; i++)
        run_follow(verification->working[i]);
    if (verification->progress)
        find_usual(verification);
    if (verification->progress)
        progress_update(verification->progress, verification->results, verification->count);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void tell_kept(const struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        const struct run *run = &verification->runs[i];
        const struct server_fact *server = &run->facts->server;
        if (!run->kept)
            continue;
        fprintf(stderr, "The restored database is still there: %s\n", server->psql);
        if (server->pid > 0)
            fprintf(stderr, "When you are done with it: kill -QUIT %d; rm -rf %s\n",
                    (int)server->pid, run->kept);
        else
            fprintf(stderr, "When you are done with it: DROP DATABASE %s\n", server->database);
    }
}

static int worse_code(int one, int other)
{
    return one > other ? one : other;
}

static int exit_code_of(const struct verification *verification)
{
    int code = results_exit_code(verification->results, verification->result_count);
    return worse_code(code, worse_code(verification->exit_code, verification->alarm.exit_code));
}

/* With --quiet only those that are not good. */
static void print_text(const struct verification *verification)
{
    const struct common_options *common = verification->common;
    cleanup(free_pointer) struct result *told = xcalloc(verification->result_count, sizeof(*told));
    size_t count = 0;
    for (size_t i = 0; i < verification->result_count; i++)
        if (!common->quiet || result_exit_code(&verification->results[i]) != EXIT_VERIFIED)
            told[count++] = verification->results[i];
    FILE *stream = common->text_on_stdout ? stdout : stderr;
    if (count > 0)
        console_print(told, count, wants_color(fileno(stream)), common->verbose, common->reports,
                      stream);
    if (count > 0 && verification->complaints.count > 0)
        fprintf(stream, "The exit code is %d, because: %s\n", exit_code_of(verification),
                verification->complaints.items[0]);
}

static void print_results(struct verification *verification)
{
    if (verification->common->json)
        json_print(verification->options->rehearse_all ? "rehearse" : "verify",
                   verification->results, verification->result_count, exit_code_of(verification),
                   stdout);
    print_text(verification);
    if (fflush(stdout) != 0 || ferror(stdout))
        complain(verification, "cannot write to standard output");
}

/* A run of all checks makes what a part of them said a thing of the past. */
static void remove_partial_report(struct verification *verification, const struct run *run)
{
    struct error error;
    struct result result = run_result(run);
    if (run->kind != REPORT_VERIFY)
        return;
    result.kind = REPORT_PARTIAL;
    if (report_remove(&result, verification->common->reports, &error) < 0)
        complain(verification, error.text);
}

static void verify_all(struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        struct run *run = &verification->runs[i];
        /* Of a run that gets no further, so that a dashboard does not go on showing the last one.
         */
        write_report(verification, run);
        remove_partial_report(verification, run);
        if (!run->scenario)
            continue;
        size_t index = verification->worker_count++;
        verification->workers[index] = (struct worker){.run = run_work, .context = run};
        verification->working[index] = run;
    }
    struct workers_options options = {
        .jobs = (size_t)verification->options->run.side_by_side,
        .deadline_ms = verification->deadline_ms,
        .ready = make_ready,
        .tick = tick,
        .ended = worker_ended,
        .context = verification,
    };
    int interrupted = workers_run(verification->workers, verification->worker_count, &options);
    progress_clear(verification->progress);
    verification->interrupted = interrupted != 0;
    if (interrupted != 0)
        fprintf(stderr, "restore-verifier: interrupted (%s)\n", strsignal(interrupted));
}

/* Behind everything else, so that a store that does not answer keeps no report waiting. A history
 * that lacks a run makes `gate` say that the backup was not verified: never the other way round. */
static void remember_all(const struct verification *verification, const struct loaded *loaded)
{
    const char *reports = verification->common->reports;
    struct remembering remembering = {0};
    for (size_t i = 0; i < verification->count; i++) {
        const struct rehearsing *rehearsing = &verification->rehearsals[i];
        if (!loaded->scenarios[i])
            continue;
        remember(loaded->scenarios[i], &verification->runs[i], reports, &remembering);
        if (rehearsing->done && *rehearsing->done)
            remember(loaded->scenarios[i], &rehearsing->report, reports, &remembering);
    }
    remembering_tell(&remembering);
}

/* Behind all that is printed, so that nobody waits for it. Of a run that somebody ended, of a part
 * of the checks, or of a backup that was named, nobody is told. */
static void notify_all(const struct verification *verification, const struct loaded *loaded)
{
    const struct verify_options *options = verification->options;
    struct notifier notifier = {0};
    int ours = worse_code(verification->exit_code, verification->alarm.exit_code);
    /* What no result tells. */
    bool untold = ours > results_exit_code(verification->results, verification->result_count);
    const char *extra =
        untold ? "not all of the run could be done: what it printed says why" : NULL;
    if (!options->notify || options->no_notify || verification->interrupted ||
        options->run.backup || options->run.only)
        return;
    for (size_t i = 0; i < verification->count; i++)
        if (loaded->scenarios[i])
            notify_results(&notifier, loaded->scenarios[i], verification->results,
                           verification->result_count, extra, verification->common->reports);
    notifier_free(&notifier);
}

/* --- the alarm -------------------------------------------------------------------------------- */

enum { DAY_S = 24 * 60 * 60 };

/* 0: none, or no number. */
static size_t alarms_asked_for(const struct verify_options *options)
{
    const char *text = options->prove_alarm ? options->prove_alarm : "";
    bool is_number = text[strspn(text, "0123456789")] == '\0' && strlen(text) < 4;
    return is_number ? (size_t)strtoul(text, NULL, 10) : 0;
}

/* Before anything begins, as those of a run that did not come to its end. */
static void prepare_alarms(struct verification *verification, const struct loaded *loaded)
{
    verification->alarm = (struct alarm){.common = verification->common,
                                         .seed = (uint64_t)time(NULL) / DAY_S,
                                         .most = alarms_asked_for(verification->options),
                                         .server = verification->options->run.server,
                                         .no_cache = verification->options->run.no_cache,
                                         .deadline_ms = verification->deadline_ms,
                                         .progress = verification->progress};
    for (size_t i = 0; i < verification->count && verification->alarm.most > 0; i++) {
        if (!loaded->scenarios[i])
            continue;
        saboteur_prepare(loaded->scenarios[i], NULL, &verification->alarms[i]);
        run_tell_shard(&verification->alarms[i], loaded);
        saboteur_report(&verification->alarm, &verification->alarms[i]);
    }
}

/* Behind a backup that passed; of another the alarm has gone off already. */
static void prove_alarms(struct verification *verification, const struct loaded *loaded)
{
    struct alarm *alarm = &verification->alarm;
    alarm->interrupted = verification->interrupted;
    for (size_t i = 0; i < verification->count && alarm->most > 0; i++) {
        struct run *report = &verification->alarms[i];
        if (!loaded->scenarios[i])
            continue;
        if (alarm->interrupted || result_exit_code(&verification->results[i]) != EXIT_VERIFIED) {
            saboteur_forget(alarm, report);
            continue;
        }
        saboteur_try(alarm, loaded->scenarios[i], report, &verification->runs[i]);
        verification->results[verification->result_count++] = run_result(report);
    }
}

/* --- rehearsals ------------------------------------------------------------------------------- */

/* Before anything begins, as those of a run that did not come to its end. */
static void prepare_rehearsals(struct verification *verification, const struct loaded *loaded)
{
    for (size_t i = 0; i < verification->count; i++) {
        struct run *run = &verification->runs[i];
        struct rehearsing *rehearsing = &verification->rehearsals[i];
        struct error error;
        if (!run->scenario || !verification->options->rehearse ||
            (!verification->options->rehearse_all &&
             !rehearsing_is_asked_for(loaded->scenarios[i])))
            continue;
        rehearsing_prepare(loaded->scenarios[i], verification->common->reports, rehearsing);
        run_tell_shard(&rehearsing->report, loaded);
        run->rehearsing = rehearsing;
        struct result result = rehearsing_result(rehearsing);
        if (report_write(&result, verification->common->reports, &error) < 0)
            complain(verification, error.text);
    }
}

/* Of a backup that is not good the run itself says why. */
static void take_rehearsals(struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        const struct rehearsing *rehearsing = verification->runs[i].rehearsing;
        if (rehearsing && *rehearsing->done)
            verification->results[verification->result_count++] = rehearsing_result(rehearsing);
    }
}

/* --- all together ----------------------------------------------------------------------------- */

static void prepare_all(struct verification *verification, const struct loaded *loaded)
{
    const struct run_settings *settings = &verification->options->run;
    for (size_t i = 0; i < verification->count; i++) {
        if (loaded->scenarios[i])
            run_prepare(&verification->runs[i], loaded->scenarios[i], settings);
        else
            run_refuse_file(verification->runs, i, loaded, run_kind(settings));
        run_tell_shard(&verification->runs[i], loaded);
        verification->results[i] = run_result(&verification->runs[i]);
    }
}

static void verification_free(struct verification *verification)
{
    for (size_t i = 0; i < verification->count; i++) {
        run_release(&verification->runs[i]);
        if (verification->alarms[i].facts)
            run_release(&verification->alarms[i]);
    }
    for (size_t i = 0; i < verification->count; i++)
        rehearsing_release(&verification->rehearsals[i]);
    progress_free(verification->progress);
    strings_free(&verification->complaints);
    free(verification->rehearsals);
    free(verification->runs);
    free(verification->alarms);
    free(verification->usual);
    free(verification->asked);
    free(verification->workers);
    free(verification->working);
    free(verification->results);
}

static int verify(const struct common_options *common, const struct verify_options *options,
                  const struct loaded *loaded)
{
    size_t count = loaded->paths.count;
    struct verification verification = {
        .common = common,
        .options = options,
        .runs = xcalloc(count, sizeof(struct run)),
        .workers = xcalloc(count, sizeof(struct worker)),
        .working = xcalloc(count, sizeof(struct run *)),
        .results = xcalloc(3 * count, sizeof(struct result)),
        .count = count,
        .result_count = count,
        .rehearsals = xcalloc(count, sizeof(struct rehearsing)),
        .alarms = xcalloc(count, sizeof(struct run)),
        .usual = xcalloc(count, sizeof(struct usual_times)),
        .asked = xcalloc(count, sizeof(bool)),
        .deadline_ms =
            options->timeout_s > 0 ? deadline_after(options->timeout_s * 1000) : NO_DEADLINE,
        .progress = common->quiet
                        ? NULL
                        : progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO)),
    };
    signals_block();
    workdir_sweep(workdir_parent());
    workdir_sweep("/tmp");
    prepare_all(&verification, loaded);
    prepare_rehearsals(&verification, loaded);
    prepare_alarms(&verification, loaded);
    verify_all(&verification);
    remember_all(&verification, loaded);
    take_rehearsals(&verification);
    prove_alarms(&verification, loaded);
    print_results(&verification);
    tell_kept(&verification);
    notify_all(&verification, loaded);
    int exit_code = exit_code_of(&verification);
    verification_free(&verification);
    return exit_code;
}

/* Nothing is restored when its report could not be written. */
static int reports_writable(const char *directory, struct error *error)
{
    cleanup(free_pointer) char *path = path_absolute(directory);
    if (mkdir(directory, 0777) < 0 && errno != EEXIST)
        return cannot_verify(error,
                             "cannot make the reports directory %s: %s; name another one "
                             "with --reports",
                             path, strerror(errno));
    if (access(directory, W_OK | X_OK) < 0)
        return cannot_verify(error,
                             "cannot write to the reports directory %s: %s; name another one "
                             "with --reports",
                             path, strerror(errno));
    return 0;
}

/* 0: none, or no version. */
static int version_of(const char *text)
{
    bool is_number = text && text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 3;
    long version = is_number ? strtol(text, NULL, 10) : 0;
    return version >= 10 ? (int)version : 0;
}

static int check_usage(const struct common_options *common, const struct verify_options *options,
                       size_t count, struct error *error)
{
    if (options->run.backup && count != 1)
        return cannot_verify(error, "--backup goes with exactly one scenario, and there are %zu",
                             count);
    const char *most = options->prove_alarm;
    if (most && alarms_asked_for(options) == 0)
        return cannot_verify(error, "--prove-alarm takes a number of copies, not `%s`", most);
    if (most && (options->run.backup || options->run.only || options->run.keep))
        return cannot_verify(error, "--prove-alarm goes with the latest backup and all of its "
                                    "checks: leave out --backup, --only and --keep");
    if (options->postgresql && options->run.postgresql == 0)
        return cannot_verify(error, "--postgresql takes a major version such as 17, not `%s`",
                             options->postgresql);
    if (options->postgresql && options->run.server)
        return cannot_verify(error, "--postgresql is about a throwaway server: leave out --server");
    if (options->rehearse && (options->run.server || options->run.only))
        return cannot_verify(error, "a migration is rehearsed on a throwaway server, when every "
                                    "check has run: leave out --server and --only");
    return reports_writable(common->reports, error);
}

int verify_scenarios(const struct common_options *common, struct verify_options *options)
{
    struct loaded loaded;
    struct error error;
    signal(SIGPIPE, SIG_IGN); /* a reader who has left is an error like any other */
    options->run.reports = common->reports;
    scenarios_load(common, &loaded);
    int exit_code = loaded_exit_code(&loaded);
    options->run.postgresql = version_of(options->postgresql);
    options->run.side_by_side = jobs_here(common->jobs, loaded.paths.count);
    if (loaded.paths.count > 0 && check_usage(common, options, loaded.paths.count, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s\n", error.text);
        exit_code = EXIT_CANNOT_VERIFY;
    } else if (loaded.paths.count > 0) { /* what is wrong with a scenario is among its results */
        exit_code = worse_code(exit_code, verify(common, options, &loaded));
    } else if (loaded.idle && common->json) {
        json_print_scenarios(options->rehearse_all ? "rehearse" : "verify", json_array(),
                             EXIT_VERIFIED, stdout);
    }
    loaded_free(&loaded);
    return exit_code;
}

int command_verify(int argc, char **argv)
{
    struct common_options common;
    struct verify_options options = {.notify = true};
    options_parse(argc, argv, &verify_usage, &common, &options);
    int exit_code = verify_scenarios(&common, &options);
    common_options_free(&common);
    return exit_code;
}
