#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
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

/* What the child says through a pipe that closes by itself when exec succeeds. */
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
    char uid_map[64];
    char gid_map[64];
};

static void child_fail(const struct launch *launch, const char *step)
{
    struct start_failure failure = {.reason = errno};
    strncpy(failure.step, step, sizeof(failure.step) - 1);
    ssize_t ignored = write(launch->failure, &failure, sizeof(failure));
    (void)ignored;
    _exit(127);
}

static bool write_text(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    ssize_t length = (ssize_t)strlen(text);
    bool written = write(descriptor, text, (size_t)length) == length;
    close(descriptor);
    return written;
}

/* By a user namespace of the user that we have become: only this one's ids are known in it, so the
 * change of user must come before. Best effort, see child_isolate. */
static void child_leave_network_as_user(const struct launch *launch)
{
    /* After a change of user our files in /proc belong to root until we say otherwise. */
    prctl(PR_SET_DUMPABLE, 1);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return;
    write_text("/proc/self/setgroups", "deny");
    if (!write_text("/proc/self/uid_map", launch->uid_map))
        child_fail(launch, "map the user id");
    if (!write_text("/proc/self/gid_map", launch->gid_map))
        child_fail(launch, "map the group id");
}

static void child_become(const struct launch *launch)
{
    const struct account *account = launch->options->account;
    if (!account || (account->uid == geteuid() && account->gid == getegid()))
        return;
    if (setgroups(0, NULL) < 0 || setgid(account->gid) < 0 || setuid(account->uid) < 0)
        child_fail(launch, "change the user");
}

/* Best effort: where neither root nor user namespaces give us an empty network, we go on with the
 * machine's. Unix sockets are reached by path and work all the same. */
static void child_isolate(const struct launch *launch)
{
    bool wanted = launch->options->no_network;
    bool left = wanted && unshare(CLONE_NEWNET) == 0;
    child_become(launch);
    if (wanted && !left)
        child_leave_network_as_user(launch);
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

static void child_descriptors(const struct launch *launch)
{
    if (dup2(launch->input, STDIN_FILENO) < 0 || dup2(launch->output, STDOUT_FILENO) < 0 ||
        dup2(launch->errors, STDERR_FILENO) < 0)
        child_fail(launch, "arrange its descriptors");
    if (dup2(launch->failure, STDERR_FILENO + 1) < 0 ||
        fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC) < 0)
        child_fail(launch, "arrange its descriptors");
    close_range(STDERR_FILENO + 2, ~0U, 0);
}

static void child_main(struct launch *launch)
{
    const struct process_options *options = launch->options;
    setpgid(0, 0);
    child_signals();
    child_descriptors(launch);
    launch->failure = STDERR_FILENO + 1;
    child_isolate(launch);
    /* After the change of user, which would clear it. */
    if (options->death_signal >= 0) {
        prctl(PR_SET_PDEATHSIG, options->death_signal ? options->death_signal : SIGKILL);
        if (getppid() != launch->parent)
            _exit(127); /* it died before we asked to be told */
    }
    if (options->directory && chdir(options->directory) < 0)
        child_fail(launch, "enter its directory");
    execvpe(options->argv[0], (char *const *)(uintptr_t)options->argv,
            (char *const *)(uintptr_t)strings_argv(&launch->environment));
    child_fail(launch, "be started");
}

static bool names_variable(const char *entry, const char *setting)
{
    size_t length = strcspn(setting, "=");
    return strncmp(entry, setting, length) == 0 && entry[length] == '=';
}

static void environment_build(const char *const *changes, struct strings *ret_environment)
{
    for (char **entry = environ; *entry; entry++) {
        bool changed = false;
        for (size_t i = 0; changes && changes[i] && !changed; i++)
            changed = names_variable(*entry, changes[i]);
        if (!changed)
            strings_add(ret_environment, *entry);
    }
    for (size_t i = 0; changes && changes[i]; i++)
        if (strchr(changes[i], '='))
            strings_add(ret_environment, changes[i]);
}

static int start_failure_read(int descriptor, const char *program, struct error *error)
{
    struct start_failure failure;
    ssize_t length;
    do
        length = read(descriptor, &failure, sizeof(failure));
    while (length < 0 && errno == EINTR);
    if (length == 0)
        return 0;
    if (length != (ssize_t)sizeof(failure))
        return cannot_verify(error, "%s could not be started", program);
    failure.step[sizeof(failure.step) - 1] = '\0';
    if (failure.reason == ENOENT && strcmp(failure.step, "be started") == 0)
        return cannot_verify(error, "%s is not installed, or not in PATH", program);
    return cannot_verify(error, "%s could not %s: %s", program, failure.step,
                         strerror(failure.reason));
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
    cleanup(close_descriptor) int high_input = high_copy(null);
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
    snprintf(launch.uid_map, sizeof(launch.uid_map), "%u %u 1", user.uid, user.uid);
    snprintf(launch.gid_map, sizeof(launch.gid_map), "%u %u 1", user.gid, user.gid);
    environment_build(options->environment, &launch.environment);

    remember_children();
    pid_t pid = fork();
    if (pid == 0)
        child_main(&launch);
    strings_free(&launch.environment);
    if (pid < 0)
        return cannot_verify(error, "cannot start a process for %s: %s", options->argv[0],
                             strerror(errno));
    setpgid(pid, pid); /* the child does the same: whoever comes first */
    close_early(&failure_write);
    if (start_failure_read(failure_read, options->argv[0], error) < 0) {
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
    cleanup(strings_free) struct strings names = {0};
    for (char **entry = environ; *entry; entry++)
        if (starts_with(*entry, beginning))
            strings_addf(&names, "%.*s", (int)(strchrnul(*entry, '=') - *entry), *entry);
    for (size_t i = 0; i < names.count; i++)
        unsetenv(names.items[i]);
}
