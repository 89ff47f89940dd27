/* restore-verifier nightly: what is done every night, each step for the scenarios that ask for it.
 *
 * The steps are the commands of the same names, each in a process of its own, one after the other.
 * So one that dies is an exit code, and what a command sets up for itself is gone with it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "commands/notifying.h"
#include "commands/pages.h"
#include "commands/run.h"
#include "report/json_fields.h"
#include "shelf/location.h"
#include "shelf/retention.h"

/* What a step that was told to stop gets for that. */
enum { GRACE_MS = 60000, TICK_MS = 1000 };

struct nightly_options {
    bool force;
    bool no_cache;
    bool no_notify;
    const char *metrics;
    int64_t timeout_s; /* 0: none */
};

static const struct own_option nightly_options[] = {
    {"force", NULL, OPTION_FLAG, offsetof(struct nightly_options, force),
     "Replace a backup of the same name; without it, one that is there is left and verified"},
    {"no-cache", NULL, OPTION_FLAG, offsetof(struct nightly_options, no_cache),
     "Make the throwaway servers by initdb, as for verify"},
    {"no-notify", NULL, OPTION_FLAG, offsetof(struct nightly_options, no_notify),
     "Tell none of those that scenarios name under `notify`"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct nightly_options, timeout_s),
     "End the whole night after this time, such as 3h"},
    {"metrics", "FILE", OPTION_TEXT, offsetof(struct nightly_options, metrics),
     "Write how the backups stand then as metrics for Prometheus (see report)"},
    {0},
};

static const struct usage nightly_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words =
        "Do what a night is for: make the backups (dump), copy the buckets (sync), prove that the "
        "backups restore (verify) and, where tonight's verified, delete the old ones (prune); each "
        "for the scenarios that have source.database, objects.copy and backups.keep. At the end "
        "the page of all is written (report). The exit code is the worst of the four, and 2 when "
        "the page cannot be written. Without names, the scenarios are those of the directory "
        "scenarios. With --shard the page is left to report.",
    .options = nightly_options,
    .takes_reports = true,
    .takes_jobs = true,
    .takes_format = true,
    .takes_verbose = true,
};

struct night {
    const struct common_options *common;
    const struct nightly_options *options;
    const struct loaded *loaded;
    time_t began;
    int64_t deadline_ms;
    bool interrupted;
    int exit_code; /* the worst so far */
    int prune_code;
    json_t *steps; /* what each came to */
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("nightly: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static bool is_over(const struct night *night)
{
    return night->interrupted || clock_ms() >= night->deadline_ms;
}

/* --- who asks for what ------------------------------------------------------------------------ */

/* Of a file that is refused, `verify` tells. A set of files is made by the tool that it comes from.
 */
static bool asks_for_dump(const struct scenario *scenario)
{
    return scenario && scenario->source.database &&
           !backup_names_are_a_set(&scenario->backups.names);
}

static bool asks_for_sync(const struct scenario *scenario)
{
    return scenario && scenario->objects.copy;
}

static bool asks_for_verify(const struct scenario *scenario)
{
    (void)scenario;
    return true;
}

static bool asks_for_prune(const struct scenario *scenario)
{
    return scenario && scenario->backups.keep.young_s > 0;
}

/* Has the newest backup verified in this night? An object that is missing stands in nobody's way.
 */
static bool verified_tonight(const struct night *night, const struct scenario *scenario)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(strings_free) struct strings ignored = {0};
    cleanup(record_free) struct record record = {0};
    struct retained_list list = {0};
    struct error error;
    time_zone_use(scenario->backups.time_zone);
    bool read = location_open(scenario, &shelf, &error) == 0 &&
                retained_list_read(shelf, &scenario->backups.names, &list, &ignored, &error) == 0;
    bool verified =
        read && list.count > 0 &&
        retained_record(shelf, &list.items[0], scenario->name, scenario->backups.database,
                        night->common->reports, &record, &error) == 0 &&
        record.verified >= night->began;
    retained_list_free(&list);
    time_zone_use(NULL);
    return verified;
}

struct step {
    const char *name;
    int (*run)(int argc, char **argv);
    bool (*asks)(const struct scenario *scenario);
    bool takes_jobs, takes_timeout, takes_verbose;
};

static const struct step steps[] = {
    {"dump", command_dump, asks_for_dump, false, true, false},
    {"sync", command_sync, asks_for_sync, true, false, false},
    {"verify", command_verify, asks_for_verify, true, true, true},
    {"prune", command_prune, asks_for_prune, false, false, false},
};

static bool may_prune(const struct night *night, const struct scenario *scenario)
{
    bool may = verified_tonight(night, scenario);
    if (!may && !is_over(night))
        say("%s: nothing was pruned, because the newest backup did not verify tonight",
            scenario->name);
    return may;
}

/* Its command line; false: nobody asks for it. */
static bool arguments_build(const struct night *night, const struct step *step,
                            struct strings *argv)
{
    const struct common_options *common = night->common;
    bool asked = false;
    strings_addf(argv, "restore-verifier %s", step->name);
    strings_addf(argv, "--reports=%s", common->reports);
    if (*night->loaded->shard)
        strings_addf(argv, "--of-shard=%s:%s", night->loaded->shard, night->loaded->split);
    if (common->quiet)
        strings_add(argv, "--quiet");
    if (common->verbose && step->takes_verbose)
        strings_add(argv, "--verbose");
    if (night->options->no_cache && step->run == command_verify)
        strings_add(argv, "--no-cache");
    if (step->run == command_verify)
        strings_add(argv, "--no-notify"); /* the night tells of all its steps, once */
    if (common->jobs == JOBS_AUTO && step->takes_jobs)
        strings_add(argv, "--jobs=auto");
    else if (common->jobs > 0 && step->takes_jobs)
        strings_addf(argv, "--jobs=%d", common->jobs);
    if (night->deadline_ms != NO_DEADLINE && step->takes_timeout)
        strings_addf(argv, "--timeout=%" PRId64 "s",
                     (night->deadline_ms - clock_ms() + 999) / 1000);
    if (step->run == command_dump)
        strings_add(argv, night->options->force ? "--force" : "--if-missing");
    if (common->json)
        strings_add(argv, "--format=json");
    strings_add(argv, "--");
    for (size_t i = 0; i < night->loaded->paths.count; i++) {
        const struct scenario *scenario = night->loaded->scenarios[i];
        if (!step->asks(scenario) || (step->run == command_prune && !may_prune(night, scenario)))
            continue;
        strings_add(argv, night->loaded->paths.items[i]);
        asked = true;
    }
    return asked;
}

/* --- one step --------------------------------------------------------------------------------- */

/* `output` is where its standard output goes; -1: where ours does. */
static pid_t start(const struct step *step, struct strings *argv, int output)
{
    pid_t parent = getpid();
    fflush(NULL); /* or the child would write it again */
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (output >= 0)
        dup2(output, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_CANNOT_VERIFY);
    signals_default();
    exit(step->run((int)argv->count, argv->items));
}

/* Until the step has ended, with its exit code. It is told what we are told. */
static int wait_for(struct night *night, const struct step *step, pid_t pid)
{
    int64_t kill_ms = NO_DEADLINE;
    int64_t stop_ms = night->deadline_ms;
    if (stop_ms != NO_DEADLINE && step->takes_timeout)
        stop_ms += GRACE_MS; /* it keeps to the time by itself, and tells more */
    for (int status;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_CANNOT_VERIFY;
        if (ended < 0 && errno != EINTR)
            return EXIT_CANNOT_VERIFY;
        int asked = signals_wait(TICK_MS);
        if (asked != 0) {
            night->interrupted = true;
            kill(pid, asked);
        }
        if (clock_ms() >= stop_ms) {
            say("the night's time is over: %s is stopped", step->name);
            kill(pid, SIGTERM);
            stop_ms = NO_DEADLINE;
            kill_ms = deadline_after(GRACE_MS);
        }
        if (clock_ms() >= kill_ms)
            kill(pid, SIGKILL);
    }
}

/* What the step printed, as a part of what we print. One that was killed has printed nothing whole.
 */
static void tell_step(const struct night *night, const struct step *step, int exit_code, int output)
{
    json_t *object = json_pack("{ss si}", "step", step->name, "exit_code", exit_code);
    if (output >= 0 && lseek(output, 0, SEEK_SET) == 0) {
        json_t *printed = json_loadfd(output, 0, NULL);
        if (printed)
            json_object_set_new(object, "printed", printed);
    }
    if (output >= 0)
        close(output);
    json_array_append_new(night->steps, object);
}

/* 0 as well when nobody asks for the step. */
static int do_step(struct night *night, const struct step *step)
{
    cleanup(strings_free) struct strings argv = {0};
    if (!arguments_build(night, step, &argv))
        return EXIT_VERIFIED;
    int exit_code = EXIT_CANNOT_VERIFY;
    int output = night->common->json ? memfd_create(step->name, MFD_CLOEXEC) : -1;
    pid_t pid = is_over(night) ? -1 : start(step, &argv, output);
    if (is_over(night) && pid < 0)
        say("%s was not begun, because %s", step->name,
            night->interrupted ? "the night was interrupted" : "the night's time is over");
    else if (pid < 0)
        say("cannot start %s: %s", step->name, strerror(errno));
    else
        exit_code = wait_for(night, step, pid);
    tell_step(night, step, exit_code, output);
    night->exit_code = exit_code > night->exit_code ? exit_code : night->exit_code;
    return exit_code;
}

/* --- the night -------------------------------------------------------------------------------- */

/* Should it not get to verify, no report of last night goes on telling that all is well. */
static void announce(const struct night *night)
{
    const struct loaded *loaded = night->loaded;
    struct run *runs = xcalloc(loaded->paths.count, sizeof(*runs));
    for (size_t i = 0; i < loaded->paths.count; i++) {
        struct error error;
        if (loaded->scenarios[i])
            run_prepare_chore(&runs[i], loaded->scenarios[i], REPORT_VERIFY,
                              "the backup is verified");
        else
            run_refuse_file(runs, i, loaded, REPORT_VERIFY);
        run_tell_shard(&runs[i], loaded);
        struct result result = run_result(&runs[i]);
        if (report_write(&result, night->common->reports, &error) < 0)
            say("%s", error.text);
    }
    for (size_t i = 0; i < loaded->paths.count; i++)
        run_release(&runs[i]);
    free(runs);
}

/* Opens the file and locks it with a flag of flock(2); it stays open. 1: somebody else has it. */
static int lock_file(const char *path, const char *reports, int operation, struct error *error)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return cannot_verify(error, "cannot write to the reports directory %s: %s", reports,
                             strerror(errno));
    if (flock(descriptor, operation | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return 1;
    return cannot_verify(error,
                         "cannot lock %s: %s; choose a directory with --reports where files "
                         "can be locked",
                         path, strerror(errno));
}

/* One night at a time, for one directory of reports; shards of one night are side by side, and each
 * of them is once. The locks go with us and our steps, however we end. */
static int lock(const char *reports, const char *shard, struct error *error)
{
    cleanup(free_pointer) char *whole = xasprintf("%s/.nightly.lock", reports);
    cleanup(free_pointer) char *own = xasprintf("%s/.nightly-%s.lock", reports, shard);
    if (*shard)
        *strchr(own + strlen(reports) + 1, '/') = '-';
    if (mkdir(reports, 0777) < 0 && errno != EEXIST)
        return cannot_verify(error, "cannot make the reports directory %s: %s", reports,
                             strerror(errno));
    int locked = lock_file(whole, reports, *shard ? LOCK_SH : LOCK_EX, error);
    if (locked == 0 && *shard)
        locked = lock_file(own, reports, LOCK_EX, error);
    if (locked <= 0)
        return locked;
    cleanup(free_pointer) char *directory = realpath(reports, NULL);
    return cannot_verify(error,
                         "another night that writes to %s is still at work: this one did nothing",
                         directory ? directory : reports);
}

/* Those that it asks for. */
static void name_reports(const struct scenario *scenario, struct strings *ret_kinds)
{
    strings_add(ret_kinds, "");
    if (asks_for_dump(scenario))
        strings_add(ret_kinds, ".dump");
    if (asks_for_sync(scenario))
        strings_add(ret_kinds, ".sync");
}

/* The worst of which a report tells. */
static int code_of_reports(const struct night *night)
{
    int worst = EXIT_VERIFIED;
    for (size_t i = 0; i < night->loaded->paths.count; i++) {
        const struct scenario *scenario = night->loaded->scenarios[i];
        cleanup(strings_free) struct strings kinds = {0};
        if (!scenario)
            return EXIT_CANNOT_VERIFY;
        name_reports(scenario, &kinds);
        int exit_code = night_exit_code(scenario, night->began, &kinds, night->common->reports);
        worst = exit_code > worst ? exit_code : worst;
    }
    return worst;
}

/* What went wrong and stands in no report. prune leaves none, and does not say of whom it was. */
static char *untold(const struct night *night, const struct scenario *scenario, bool all_told)
{
    if (asks_for_prune(scenario) && night->prune_code != EXIT_VERIFIED)
        return xasprintf("prune ended with %d: what it printed says why", night->prune_code);
    return all_told ? NULL
                    : xasprintf("the night ended with %d, of which no report tells: what it "
                                "printed says why",
                                night->exit_code);
}

/* Of a night that somebody ended nobody is told. */
static void notify_all(const struct night *night)
{
    struct notifier notifier = {0};
    if (night->interrupted || night->options->no_notify)
        return;
    bool all_told =
        night->exit_code <= code_of_reports(night) || night->exit_code == night->prune_code;
    for (size_t i = 0; i < night->loaded->paths.count; i++) {
        const struct scenario *scenario = night->loaded->scenarios[i];
        cleanup(strings_free) struct strings kinds = {0};
        if (!scenario)
            continue;
        name_reports(scenario, &kinds);
        cleanup(free_pointer) char *extra = untold(night, scenario, all_told);
        notify_night(&notifier, scenario, night->began, &kinds, extra, night->common->reports);
    }
    notifier_free(&notifier);
}

static void do_night(struct night *night)
{
    announce(night);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        const struct step *step = &steps[i];
        int exit_code = do_step(night, step);
        if (step->run == command_prune)
            night->prune_code = exit_code;
        if (exit_code != EXIT_VERIFIED && step->run == command_dump)
            say("dump ended with %d: what is verified is the latest backup that is there",
                exit_code);
        else if (exit_code != EXIT_VERIFIED && step->run == command_sync)
            say("sync ended with %d: the copy of a bucket may be older than tonight", exit_code);
    }
    struct error error;
    bool is_shard = *night->loaded->shard; /* the page is that of all scenarios: not of a shard */
    if (!is_shard && write_pages(night->loaded, 0, night->common->reports, night->options->metrics,
                                 &error) < 0) {
        say("%s", error.text);
        night->exit_code = EXIT_CANNOT_VERIFY; /* those of last night may stand there */
    }
    notify_all(night);
}

static void print_steps(struct night *night)
{
    if (!night->common->json)
        return;
    json_t *document = json_frame("nightly", night->exit_code);
    json_object_set(document, "steps", night->steps);
    json_print_document(document, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    say("cannot write to standard output");
    night->exit_code = EXIT_CANNOT_VERIFY;
}

/* What is wrong with files, the steps tell. */
static int nightly(const struct common_options *common, const struct nightly_options *options,
                   const struct loaded *loaded)
{
    struct error error;
    struct night night = {
        .steps = json_array(),
        .common = common,
        .options = options,
        .loaded = loaded,
        .began = time(NULL),
        .deadline_ms =
            options->timeout_s > 0 ? deadline_after(options->timeout_s * 1000) : NO_DEADLINE,
        .exit_code = loaded_exit_code(loaded),
    };
    if (loaded->paths.count > 0 && lock(common->reports, loaded->shard, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s\n", error.text);
        night.exit_code = EXIT_CANNOT_VERIFY;
    } else if (loaded->paths.count > 0) {
        signals_block();
        do_night(&night);
        print_steps(&night);
    } else if (loaded->idle) {
        print_steps(&night);
    }
    json_decref(night.steps);
    return night.exit_code;
}

int command_nightly(int argc, char **argv)
{
    struct common_options common;
    struct nightly_options options = {0};
    struct loaded loaded = {0};
    int exit_code = EXIT_CANNOT_VERIFY;
    options_parse(argc, argv, &nightly_usage, &common, &options);
    if (common.shard && options.metrics) {
        fputs("restore-verifier: --metrics tells of all scenarios: with --shard, write them with "
              "report when every shard has ended\n",
              stderr);
    } else {
        scenarios_load(&common, &loaded);
        exit_code = nightly(&common, &options, &loaded);
        loaded_free(&loaded);
    }
    common_options_free(&common);
    return exit_code;
}
