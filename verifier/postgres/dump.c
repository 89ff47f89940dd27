#include "postgres/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/signals.h"

enum { MESSAGES_LIMIT = 64 * 1024, BLOCK_SIZE = 256 * 1024, PIPE_SIZE = 1 << 20, TICK_MS = 250 };

static const char own_output[] = "/proc/self/fd/1";

/* A pg_dump at work. */
struct dump {
    const struct dump_options *options;
    pid_t pid;     /* 0: not started, or ended */
    int output[2]; /* pipe; -1 when it writes into a file */
    int errors[2];
    struct buffer messages; /* the end of what it said */
    char *block;
};

static void dump_free(struct dump *dump)
{
    if (dump->pid > 0) {
        kill(-dump->pid, SIGKILL);
        process_wait(dump->pid, NO_DEADLINE, NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        close_descriptor(&dump->output[i]);
        close_descriptor(&dump->errors[i]);
    }
    buffer_free(&dump->messages);
    free(dump->block);
}

static void arguments_build(const struct dump_options *options, struct strings *argv)
{
    cleanup(free_pointer) char *program = tools_program(options->tools, "pg_dump");
    cleanup(free_pointer) char *database = address_argument(options->database);
    strings_add(argv, program);
    strings_add(argv, "--format=custom");
    strings_add(argv, "--no-owner");
    strings_add(argv, "--no-password");
    /* Who waits to change a table waits for our snapshot, which has counted it, and pg_dump waits
     * for them: without a limit for ever, and everybody else behind. */
    strings_add(argv, "--lock-wait-timeout=1min");
    if (options->uncompressed)
        strings_add(argv, "--compress=0");
    /* Since 16, pg_dump opens its standard output for appending, whatever it is, and so cannot go
     * back in it to note where the data begins. */
    if (!options->sink && access(own_output, W_OK) == 0)
        strings_addf(argv, "--file=%s", own_output);
    if (options->snapshot)
        strings_addf(argv, "--snapshot=%s", options->snapshot);
    strings_addf(argv, "--dbname=%s", database);
}

static int dump_start(struct dump *dump, struct error *error)
{
    const struct dump_options *options = dump->options;
    if (pipe2(dump->errors, O_CLOEXEC) < 0 || (options->sink && pipe2(dump->output, O_CLOEXEC) < 0))
        return cannot_verify(error, "cannot make a pipe: %s", strerror(errno));
    if (options->sink)
        fcntl(dump->output[0], F_SETPIPE_SZ, PIPE_SIZE); /* fewer turns; smaller will do */
    cleanup(strings_free) struct strings argv = {0};
    cleanup(strings_free) struct strings environment = {0};
    arguments_build(options, &argv);
    address_environment(options->database, &environment);
    strings_add(&environment, "LC_ALL=C");
    /* Every timestamptz is written in the session's time zone, which no archive names. */
    strings_add(&environment, "PGTZ=UTC");
    struct process_options process = {.argv = strings_argv(&argv),
                                      .environment = strings_argv(&environment),
                                      .directory = "/",
                                      .output = options->sink ? dump->output[1] : options->output,
                                      .errors = dump->errors[1]};
    if (process_start(&process, &dump->pid, error) < 0) {
        dump->pid = 0;
        return -1;
    }
    close_descriptor(&dump->output[1]);
    close_descriptor(&dump->errors[1]);
    return 0;
}

/* Keeps the end: what failed is said last. */
static void messages_keep(struct buffer *messages, const char *bytes, size_t length)
{
    if (length > MESSAGES_LIMIT / 2) {
        bytes += length - MESSAGES_LIMIT / 2;
        length = MESSAGES_LIMIT / 2;
    }
    if (messages->length + length > MESSAGES_LIMIT) {
        size_t keep = MESSAGES_LIMIT / 2;
        cleanup(free_pointer) char *end = xstrndup(messages->data + messages->length - keep, keep);
        buffer_clear(messages);
        buffer_append_text(messages, end);
    }
    buffer_append(messages, bytes, length);
}

static void progress_show(const struct dump *dump, size_t length)
{
    struct stat status;
    if (!dump->options->progress_bytes)
        return;
    if (dump->options->sink)
        *dump->options->progress_bytes += (int64_t)length;
    else if (fstat(dump->options->output, &status) == 0)
        *dump->options->progress_bytes = status.st_size;
}

/* Reads what is there from one pipe: 1 more may come, 0 it has ended, -1 the sink refused. */
static int pump(struct dump *dump, int descriptor, bool is_output, struct error *error)
{
    ssize_t length = read(descriptor, dump->block, BLOCK_SIZE);
    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (length < 0)
        return cannot_verify(error, "cannot read from pg_dump: %s", strerror(errno));
    if (length == 0)
        return 0;
    dump_sink *sink = is_output ? dump->options->sink : NULL;
    if (!sink) {
        messages_keep(&dump->messages, dump->block, (size_t)length);
        return 1;
    }
    if (sink(dump->options->context, dump->block, (size_t)length, error) < 0)
        return -1;
    progress_show(dump, (size_t)length);
    return 1;
}

static int too_late(struct error *error)
{
    return cannot_verify(error,
                         "pg_dump did not end in time and was stopped: look at what the server is "
                         "waiting for (locks, network), or allow it more time with "
                         "source.timeout");
}

/* Until both pipes have ended. */
static int pump_all(struct dump *dump, struct error *error)
{
    struct pollfd pipes[2] = {{.fd = dump->output[0], .events = POLLIN},
                              {.fd = dump->errors[0], .events = POLLIN}};
    while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
        int64_t left_ms = dump->options->deadline_ms - clock_ms();
        if (left_ms <= 0)
            return too_late(error);
        int ready = poll(pipes, 2, left_ms < TICK_MS ? (int)left_ms : TICK_MS);
        if (signals_held())
            return cannot_verify(
                error, "interrupted: pg_dump was stopped, and nothing of the backup is left");
        if (!dump->options->sink)
            progress_show(dump, 0);
        for (size_t i = 0; i < 2 && ready > 0; i++) {
            if (pipes[i].fd < 0 || pipes[i].revents == 0)
                continue;
            int more = pump(dump, pipes[i].fd, i == 0, error);
            if (more < 0)
                return -1;
            if (more == 0)
                pipes[i].fd = -1;
        }
    }
    return 0;
}

static int dump_end(struct dump *dump, struct error *error)
{
    int status = 0;
    if (!process_wait(dump->pid, dump->options->deadline_ms, &status))
        return too_late(error);
    dump->pid = 0;
    progress_show(dump, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    struct process_result ended = {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                   .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    cleanup(free_pointer) char *how = process_describe(&ended);
    cleanup(free_pointer) char *explanation = dump_explain(dump->messages.data, how);
    cleanup(free_pointer) char *where = address_describe(dump->options->database);
    return cannot_verify(error, "%s could not be dumped: %s", where, explanation);
}

int dump_run(const struct dump_options *options, struct error *error)
{
    cleanup(dump_free) struct dump dump = {
        .options = options, .output = {-1, -1}, .errors = {-1, -1}};
    buffer_init(&dump.messages, MESSAGES_LIMIT);
    dump.block = xmalloc(BLOCK_SIZE);
    if (dump_start(&dump, error) < 0 || pump_all(&dump, error) < 0)
        return -1;
    return dump_end(&dump, error);
}
