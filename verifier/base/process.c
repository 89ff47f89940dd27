#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

/* Of waitpid's statuses, one that is neither an exit nor a death by signal. */
enum { PROCESS_END_UNKNOWN = -1 };

enum { WATCH_MS = 100 };

/* What the child says through a pipe that closes by itself when exec succeeds: first how it is
 * confined, then, if it fails, why. */
struct start_report {
    int reasons[CONFINE_LAYERS]; /* errno; 0: the layer holds */
};
struct start_failure {
    int reason; /* errno */
    char step[32];
};

/* Everything the child needs, prepared before the fork: after it, in a process that may have
 * threads, only async-signal-safe calls are allowed. */
struct launch {
    const struct process_options *options;
    struct strings environment;
    pid_t parent;
    int input;
    int output;
    int errors;
    int failure;
    struct confine_kit confine;
};

static const char enter_directory[] = "enter its directory";

static void child_fail(const struct launch *launch, const char *step)
{
    struct start_failure failure = {.reason = errno};
    strncpy(failure.step, step, sizeof(failure.step) - 1);
    ssize_t ignored = write(launch->failure, &failure, sizeof(failure));
    (void)ignored;
    _exit(127);
}

static void child_become(const struct launch *launch)
{
    const struct account *account = launch->options->account;
    if (!account || (account->uid == geteuid() && account->gid == getegid()))
        return;
    if (setgroups(0, NULL) < 0 || setgid(account->gid) < 0 || setuid(account->uid) < 0)
        child_fail(launch, "change the user");
}

static void child_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL); /* refused for SIGKILL, SIGSTOP and those of glibc */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_descriptors(struct launch *launch)
{
    if (dup2(launch->input, STDIN_FILENO) < 0 || dup2(launch->output, STDOUT_FILENO) < 0 ||
        dup2(launch->errors, STDERR_FILENO) < 0)
        child_fail(launch, "arrange its descriptors");
    if (dup2(launch->failure, STDERR_FILENO + 1) < 0 ||
        fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC) < 0)
        child_fail(launch, "arrange its descriptors");
    launch->failure = STDERR_FILENO + 1;
    /* Landlock's rules, until they are entered. */
    int *ruleset = &launch->confine.ruleset;
    if (*ruleset >= 0 && dup2(*ruleset, STDERR_FILENO + 2) >= 0 &&
        fcntl(STDERR_FILENO + 2, F_SETFD, FD_CLOEXEC) >= 0)
        *ruleset = STDERR_FILENO + 2;
    close_range(STDERR_FILENO + (*ruleset >= 0 ? 3 : 2), ~0U, 0);
}

static void child_report(const struct launch *launch)
{
    struct start_report report;
    memcpy(report.reasons, launch->confine.reasons, sizeof(report.reasons));
    if (write(launch->failure, &report, sizeof(report)) != (ssize_t)sizeof(report))
        child_fail(launch, "tell how it is confined");
}

static void child_main(struct launch *launch)
{
    const struct process_options *options = launch->options;
    setpgid(0, 0);
    child_signals();
    child_descriptors(launch);
    confine_as_starter(&launch->confine);
    child_become(launch);
    if (confine_as_user(&launch->confine) < 0)
        child_fail(launch, "map its user");
    /* After the change of user, which would clear it. */
    if (options->death_signal >= 0) {
        prctl(PR_SET_PDEATHSIG, options->death_signal ? options->death_signal : SIGKILL);
        if (getppid() != launch->parent)
            _exit(127); /* it died before we asked to be told */
    }
    if (options->directory && chdir(options->directory) < 0)
        child_fail(launch, enter_directory);
    confine_at_last(&launch->confine);
    child_report(launch);
    execvpe(options->argv[0], (char *const *)(uintptr_t)options->argv,
            (char *const *)(uintptr_t)strings_argv(&launch->environment));
    child_fail(launch, "be started");
}

/* Of our own environment, what says where programs, libraries and the machine's data are and how
 * texts are written, and is nobody's secret. */
static bool is_passed_on(const char *entry)
{
    static const char *const names[] = {
        "PATH=",    "LANG=",     "LANGUAGE=",       "LC_", "TZ=", "TZDIR=",
        "LOCPATH=", "ICU_DATA=", "LD_LIBRARY_PATH="};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (starts_with(entry, names[i]))
            return true;
    return false;
}

static bool is_set_later(const char *entry, const char *const *settings)
{
    size_t length = strcspn(entry, "=") + 1;
    for (; settings && *settings; settings++)
        if (strncmp(*settings, entry, length) == 0)
            return true;
    return false;
}

static void environment_build(const char *const *added, struct strings *ret_environment)
{
    for (char **entry = environ; *entry; entry++)
        if (is_passed_on(*entry) && !is_set_later(*entry, added))
            strings_add(ret_environment, *entry);
    for (; added && *added; added++)
        if (!is_set_later(*added, added + 1))
            strings_add(ret_environment, *added);
}

/* The length of what came: less than `size` only at the end. */
static size_t pipe_read(int descriptor, void *ret_bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t more = read(descriptor, (char *)ret_bytes + length, size - length);
        if (more == 0 || (more < 0 && errno != EINTR))
            break;
        length += more > 0 ? (size_t)more : 0;
    }
    return length;
}

/* What comes before exec: how the child is confined, or why it failed. The sizes tell which. */
static int start_read(int descriptor, const struct launch *launch, struct error *error)
{
    const char *program = launch->options->argv[0];
    struct {
        struct start_report report;
        struct start_failure failure;
    } said;
    _Static_assert(sizeof(said.report) < sizeof(said.failure), "told apart by their sizes");
    size_t length = pipe_read(descriptor, &said, sizeof(said));
    if (length == sizeof(said.report)) {
        if (launch->options->confinement && launch->options->ret_confined)
            confine_tell(&launch->confine, said.report.reasons, launch->options->ret_confined);
        return 0;
    }
    if (length == sizeof(said.failure)) /* before it could be confined */
        memmove(&said.failure, &said.report, sizeof(said.failure));
    else if (length != sizeof(said))
        return cannot_verify(error, "%s could not be started", program);
    said.failure.step[sizeof(said.failure.step) - 1] = '\0';
    if (said.failure.reason == ENOENT && strcmp(said.failure.step, "be started") == 0)
        return cannot_verify(error, "%s is not installed, or not in PATH", program);
    bool is_place = strcmp(said.failure.step, enter_directory) == 0;
    return cannot_verify(error, "%s could not %s%s%s: %s", program, said.failure.step,
                         is_place ? " " : "", is_place ? launch->options->directory : "",
                         strerror(said.failure.reason));
}

/* A copy with a number that arranging 0 to 3 in the child cannot overwrite: where our caller has
 * closed 0, 1 or 2, what we open may get these numbers. */
static int high_copy(int descriptor)
{
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
}

/* Before the end of its scope, which then has nothing to close. */
static void close_early(int *descriptor)
{
    close_descriptor(descriptor);
    *descriptor = -1;
}

/* Where SIGCHLD is ignored, as some callers leave it, the kernel forgets how children ended. */
static void remember_children(void)
{
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        signal(SIGCHLD, SIG_DFL);
}

/* Forks and waits until exec has succeeded or failed. `output` and `errors` are the child's ends.
 */
static int launch_child(const struct process_options *options, int output, int errors,
                        pid_t *ret_pid, struct error *error)
{
    int failure[2];
    if (pipe2(failure, O_CLOEXEC) < 0)
        return cannot_verify(error, "cannot make a pipe: %s", strerror(errno));
    cleanup(close_descriptor) int failure_read = failure[0];
    cleanup(close_descriptor) int failure_write = high_copy(failure[1]);
    close(failure[1]);
    cleanup(close_descriptor) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (failure_write < 0 || null < 0)
        return cannot_verify(error, "cannot open /dev/null: %s", strerror(errno));
    cleanup(close_descriptor) int high_input =
        high_copy(options->input > 0 ? options->input : null);
    cleanup(close_descriptor) int high_output = high_copy(output > 0 ? output : null);
    cleanup(close_descriptor) int high_errors = high_copy(errors > 0 ? errors : null);
    if (high_input < 0 || high_output < 0 || high_errors < 0)
        return cannot_verify(error, "cannot arrange the descriptors of %s: %s", options->argv[0],
                             strerror(errno));

    struct launch launch = {.options = options,
                            .parent = getpid(),
                            .input = high_input,
                            .output = high_output,
                            .errors = high_errors,
                            .failure = failure_write};
    struct account user = {.uid = geteuid(), .gid = getegid()};
    if (options->account)
        user = *options->account;
    confine_prepare(options->confinement, user.uid, user.gid, &launch.confine);
    environment_build(options->environment, &launch.environment);

    remember_children();
    pid_t pid = fork();
    if (pid == 0)
        child_main(&launch);
    strings_free(&launch.environment);
    confine_kit_free(&launch.confine);
    if (pid < 0)
        return cannot_verify(error, "cannot start a process for %s: %s", options->argv[0],
                             strerror(errno));
    setpgid(pid, pid); /* the child does the same: whoever comes first */
    close_early(&failure_write);
    if (start_read(failure_read, &launch, error) < 0) {
        waitpid(pid, NULL, 0);
        return -1;
    }
    *ret_pid = pid;
    return 0;
}

int process_start(const struct process_options *options, pid_t *ret_pid, struct error *error)
{
    return launch_child(options, options->output, options->errors, ret_pid, error);
}

int process_wait(pid_t pid, int64_t deadline_ms, int *ret_status)
{
    for (useconds_t pause = 1000;; pause = pause < 50000 ? pause * 2 : pause) {
        int status = 0;
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno == ECHILD)) {
            if (ret_status)
                *ret_status = ended == pid ? status : PROCESS_END_UNKNOWN;
            return 1;
        }
        if (clock_ms() >= deadline_ms)
            return 0;
        usleep(pause);
    }
}

/* Reads what is there; false when the pipe has come to its end. */
static bool drain(int descriptor, struct buffer *buffer)
{
    char block[16384];
    ssize_t length = read(descriptor, block, sizeof(block));
    if (length < 0)
        return errno == EINTR || errno == EAGAIN;
    if (length == 0)
        return false;
    /* A block that does not fit whole still gives its beginning. */
    size_t room = buffer->limit - buffer->length;
    if ((size_t)length > room) {
        buffer_append(buffer, block, room);
        buffer->overflowed = true;
    } else {
        buffer_append(buffer, block, (size_t)length);
    }
    return true;
}

static int too_late(const struct process_options *options, struct error *error)
{
    return cannot_verify(error, "%s did not end in time and was stopped", options->argv[0]);
}

/* -1 when the deadline passed, or who watches had enough, before both pipes had ended. */
static int drain_until_end(const struct process_options *options, struct pollfd pipes[2],
                           struct buffer *const buffers[2], int64_t deadline_ms,
                           struct error *error)
{
    while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
        int patience_ms = deadline_poll_ms(deadline_ms);
        if (options->watch && (patience_ms < 0 || patience_ms > WATCH_MS))
            patience_ms = WATCH_MS;
        int ready = poll(pipes, 2, patience_ms);
        if (clock_ms() >= deadline_ms) /* looked at each time: some children are never silent */
            return too_late(options, error);
        if (options->watch && options->watch(options->watch_context, error) < 0)
            return -1;
        for (size_t i = 0; i < 2 && ready > 0; i++)
            if (pipes[i].fd >= 0 && pipes[i].revents != 0 && !drain(pipes[i].fd, buffers[i]))
                pipes[i].fd = -1;
    }
    return 0;
}

struct capture {
    int read_end;
    int write_end;
};

static int capture_open(int given, struct capture *ret_capture, struct error *error)
{
    if (given > 0) {
        int copy = high_copy(given);
        if (copy < 0)
            return cannot_verify(error, "cannot write to descriptor %d: %s", given,
                                 strerror(errno));
        *ret_capture = (struct capture){.read_end = -1, .write_end = copy};
        return 0;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cannot_verify(error, "cannot make a pipe: %s", strerror(errno));
    *ret_capture = (struct capture){.read_end = ends[0], .write_end = ends[1]};
    return 0;
}

static void capture_close(struct capture *capture)
{
    close_descriptor(&capture->read_end);
    close_descriptor(&capture->write_end);
    *capture = (struct capture){.read_end = -1, .write_end = -1};
}

static int run_to_end(const struct process_options *options, int64_t deadline_ms,
                      struct capture captures[2], struct process_result *result,
                      struct error *error)
{
    pid_t pid;
    if (launch_child(options, captures[0].write_end, captures[1].write_end, &pid, error) < 0)
        return -1;
    struct pollfd pipes[2];
    for (size_t i = 0; i < 2; i++) {
        close_descriptor(&captures[i].write_end);
        pipes[i] = (struct pollfd){.fd = captures[i].read_end, .events = POLLIN};
    }
    struct buffer *const buffers[2] = {&result->output, &result->errors};
    int status = 0;
    int outcome = drain_until_end(options, pipes, buffers, deadline_ms, error);
    if (outcome == 0 && !process_wait(pid, deadline_ms, &status))
        outcome = too_late(options, error);
    if (outcome < 0) {
        kill(-pid, SIGKILL);
        process_wait(pid, NO_DEADLINE, NULL);
        return -1;
    }
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return 0;
}

int process_run(const struct process_options *options, int64_t deadline_ms,
                struct process_result *ret_result, struct error *error)
{
    struct capture captures[2] = {{-1, -1}, {-1, -1}};
    struct process_result result = {0};
    buffer_init(&result.output, PROCESS_OUTPUT_LIMIT);
    buffer_init(&result.errors, PROCESS_OUTPUT_LIMIT);
    int outcome = -1;
    if (capture_open(options->output, &captures[0], error) == 0 &&
        capture_open(options->errors, &captures[1], error) == 0)
        outcome = run_to_end(options, deadline_ms, captures, &result, error);
    capture_close(&captures[0]);
    capture_close(&captures[1]);
    if (outcome < 0) {
        process_result_free(&result);
        return -1;
    }
    *ret_result = result;
    return 0;
}

void process_result_free(struct process_result *result)
{
    buffer_free(&result->output);
    buffer_free(&result->errors);
}

char *process_describe(const struct process_result *result)
{
    if (result->signal != 0)
        return xasprintf("was killed by signal %d (%s)", result->signal, strsignal(result->signal));
    if (result->exit_code < 0)
        return xstrdup("ended, but nobody saw how");
    return xasprintf("exited with code %d", result->exit_code);
}

void environment_forget(const char *beginning)
{
    cleanup(strings_free) struct strings taken = {0};
    environment_take(beginning, &taken);
}

void environment_take(const char *beginning, struct strings *taken)
{
    for (char **entry = environ; *entry; entry++)
        if (starts_with(*entry, beginning) && strchr(*entry, '='))
            strings_add(taken, *entry);
    for (size_t i = 0; i < taken->count; i++) {
        cleanup(free_pointer) char *name = xstrndup(taken->items[i], strcspn(taken->items[i], "="));
        unsetenv(name);
    }
}

void environment_give_back(const struct strings *taken)
{
    for (size_t i = 0; i < taken->count; i++) {
        const char *value = strchr(taken->items[i], '=');
        cleanup(free_pointer) char *name =
            xstrndup(taken->items[i], (size_t)(value - taken->items[i]));
        setenv(name, value + 1, 1);
    }
}
