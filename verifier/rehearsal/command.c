#include "rehearsal/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/process.h"

enum {
    KEPT_BYTES = 512 * 1024, /* of the beginning, and of the end */
    POLL_MS = 5,             /* how exactly its end is known */
    GRACE_MS = 2000,
    END_TIMEOUT_MS = 10000,
    LAST_LINES = 12,
    LAST_LINES_BYTES = 3000,
    SECRET_LEAST = 4,
};

/* What it prints, while it does. */
struct capture {
    char *head;
    size_t head_length;
    char *tail; /* a ring */
    size_t tail_at, tail_length;
    int64_t dropped;
};

/* --- what it prints --------------------------------------------------------------------------- */

static void capture_take(struct capture *capture, const char *bytes, size_t length)
{
    size_t room = KEPT_BYTES - capture->head_length;
    size_t first = length < room ? length : room;
    memcpy(capture->head + capture->head_length, bytes, first);
    capture->head_length += first;
    for (size_t i = first; i < length; i++) {
        capture->tail[capture->tail_at] = bytes[i];
        capture->tail_at = (capture->tail_at + 1) % KEPT_BYTES;
        if (capture->tail_length < KEPT_BYTES)
            capture->tail_length++;
        else
            capture->dropped++;
    }
}

/* False: it has come to its end. */
static bool capture_drain(struct capture *capture, int pipe)
{
    char block[65536];
    ssize_t length = read(pipe, block, sizeof(block));
    if (length > 0)
        capture_take(capture, block, (size_t)length);
    return length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN));
}

static char *capture_text(const struct capture *capture)
{
    struct buffer text;
    buffer_init(&text, (size_t)3 * KEPT_BYTES);
    buffer_append(&text, capture->head, capture->head_length);
    if (capture->dropped > 0)
        buffer_printf(&text, "\n... %lld bytes are left out here ...\n",
                      (long long)capture->dropped);
    size_t begin = (capture->tail_at + KEPT_BYTES - capture->tail_length) % KEPT_BYTES;
    for (size_t i = 0; i < capture->tail_length; i++)
        buffer_append(&text, &capture->tail[(begin + i) % KEPT_BYTES], 1);
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '\0')
            text.data[i] = ' ';
    return buffer_steal(&text);
}

static void hide(char *text, const char *secret)
{
    size_t length = strlen(secret);
    for (char *found = text; length >= SECRET_LEAST && (found = strstr(found, secret));)
        memset(found, '*', length);
}

/* "://user:password@": what stands behind the colon. */
static void hide_in_urls(char *text)
{
    for (char *found = text; (found = strstr(found, "://"));) {
        found += strlen("://");
        size_t length = strcspn(found, "/?#\"' \t\r\n");
        char *at = memrchr(found, '@', length);
        char *colon = at ? memchr(found, ':', (size_t)(at - found)) : NULL;
        if (colon)
            memset(colon + 1, '*', (size_t)(at - colon - 1));
    }
}

static char *last_lines(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr("\r\n \t", text[length - 1]))
        length--;
    size_t begin = length;
    for (size_t lines = 0; begin > 0 && length - begin < LAST_LINES_BYTES; begin--)
        if (text[begin - 1] == '\n' && ++lines == LAST_LINES)
            break;
    return xstrndup(text + begin, length - begin);
}

/* --- the process ------------------------------------------------------------------------------ */

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void environment_make(const struct command *command, struct strings *ret_environment)
{
    static const char *const passed_on[] = {"HOME", "VIRTUAL_ENV"};
    for (size_t i = 0; i < ARRAY_LENGTH(passed_on); i++) {
        const char *value = getenv(passed_on[i]);
        if (value)
            strings_addf(ret_environment, "%s=%s", passed_on[i], value);
    }
    for (size_t i = 0; i < command->environment->count; i++)
        strings_add(ret_environment, command->environment->items[i]);
}

/* Drains until it has ended by itself or its time is over; gives whether it has. */
static bool watch(const struct command *command, pid_t pid, int pipe, struct capture *capture,
                  int *ret_status)
{
    int64_t deadline_ms = deadline_after(command->timeout_ms);
    bool open = true;
    while (clock_ms() < deadline_ms) {
        struct pollfd poll_pipe = {.fd = open ? pipe : -1, .events = POLLIN};
        if (poll(&poll_pipe, 1, POLL_MS) > 0)
            open = capture_drain(capture, pipe);
        if (process_wait(pid, 0, ret_status))
            return true;
    }
    return false;
}

/* What is still in the pipe when nobody writes into it any more. */
static void drain_rest(int pipe, struct capture *capture)
{
    struct pollfd poll_pipe = {.fd = pipe, .events = POLLIN};
    while (poll(&poll_pipe, 1, 0) > 0 && capture_drain(capture, pipe))
        ;
}

static void describe(int status, struct command_end *end)
{
    struct process_result result = {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                    .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    cleanup(free_pointer) char *how = process_describe(&result);
    end->exit_code = result.exit_code;
    text_copy(end->how, sizeof(end->how), how);
}

static int start(const struct command *command, int output, struct confined *ret_confined,
                 pid_t *ret_pid, struct error *error)
{
    cleanup(strings_free) struct strings environment = {0};
    cleanup(strings_free) struct strings arguments = {0};
    environment_make(command, &environment);
    for (size_t i = 0; i < command->arguments->count; i++)
        strings_add(&arguments, command->arguments->items[i]);
    const struct confinement without_network = {.network = CONFINE_NETWORK_LOCAL,
                                                .keeps_privileges = true};
    struct process_options options = {.argv = strings_argv(&arguments),
                                      .environment = strings_argv(&environment),
                                      .directory = command->directory,
                                      .output = output,
                                      .errors = output,
                                      .confinement = command->network ? NULL : &without_network,
                                      .ret_confined = ret_confined};
    return process_start(&options, ret_pid, error);
}

/* Its whole group, and what has left it. */
static void end_all(pid_t pid, const struct pids *before, struct command_end *end)
{
    if (end->overdue) {
        kill(-pid, SIGTERM);
        process_wait(pid, deadline_after(GRACE_MS), NULL);
        kill(-pid, SIGKILL);
    }
    /* Where it has ended, what it left is ours already. */
    size_t left = children_end(before, deadline_after(END_TIMEOUT_MS));
    end->left_running = end->overdue ? 0 : left;
}

static int run(const struct command *command, const struct pids *before, int pipe, int *write_end,
               struct capture *capture, struct command_end *end, struct error *error)
{
    struct confined confined = {0};
    pid_t pid;
    int status = 0;
    int64_t began_us = monotonic_us();
    if (start(command, *write_end, &confined, &pid, error) < 0)
        return -1;
    close_descriptor(write_end);
    end->has_network = command->network || *confined.missing[CONFINE_NETWORK];
    end->overdue = !watch(command, pid, pipe, capture, &status);
    end->duration_us = monotonic_us() - began_us;
    if (!end->overdue)
        describe(status, end);
    end_all(pid, before, end);
    drain_rest(pipe, capture);
    return 0;
}

int command_run(const struct command *command, struct command_end *ret_end, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cannot_verify(error, "cannot make a pipe: %s", strerror(errno));
    cleanup(close_descriptor) int read_end = ends[0];
    cleanup(close_descriptor) int write_end = ends[1];
    cleanup(free_pointer) char *head = xmalloc(KEPT_BYTES);
    cleanup(free_pointer) char *tail = xmalloc(KEPT_BYTES);
    struct capture capture = {.head = head, .tail = tail};
    struct command_end end = {.exit_code = -1};
    struct pids before;
    children_adopt();
    children_list(&before);
    int outcome = run(command, &before, read_end, &write_end, &capture, &end, error);
    pids_free(&before);
    if (outcome < 0)
        return -1;
    end.output = capture_text(&capture);
    for (size_t i = 0; i < command->secrets->count; i++)
        hide(end.output, command->secrets->items[i]);
    hide_in_urls(end.output);
    end.last_lines = last_lines(end.output);
    *ret_end = end;
    return 0;
}

void command_end_free(struct command_end *end)
{
    free(end->output);
    free(end->last_lines);
    *end = (struct command_end){0};
}

bool command_network_can_be_taken(void)
{
    static const char *const argv[] = {"true", NULL};
    static const struct confinement confinement = {.network = CONFINE_NETWORK_LOCAL,
                                                   .keeps_privileges = true};
    struct confined confined = {0};
    struct process_options options = {
        .argv = argv, .confinement = &confinement, .ret_confined = &confined};
    struct process_result result;
    struct error ignored;
    if (process_run(&options, deadline_after(END_TIMEOUT_MS), &result, &ignored) < 0)
        return false;
    process_result_free(&result);
    return !*confined.missing[CONFINE_NETWORK];
}
