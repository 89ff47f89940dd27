#include "notify/notify.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "notify/http.h"
#include "shelf/document.h"

enum { ATTEMPTS = 2, PAUSE_MS = 200 };

void notifier_free(struct notifier *notifier)
{
    strings_free(&notifier->silent);
}

/* --- what is sent ----------------------------------------------------------------------------- */

static char *dump(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        out_of_memory();
    return text;
}

static char *json_words(const struct notification *told)
{
    char began[TIME_TEXT_SIZE];
    json_t *root = json_object();
    json_t *checks =
        json_pack("{s:i, s:i, s:i, s:i, s:i}", "all", told->checks, "passed", told->passed,
                  "failed", told->failed, "errors", told->errors, "skipped", told->skipped);
    time_format_utc(told->began, began);
    json_object_set_new(root, "format", json_string("restore-verifier notification"));
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "event", json_string(told->exit_code == 0 ? "success" : "failure"));
    json_object_set_new(root, "scenario", document_text(told->scenario));
    json_object_set_new(root, "command", json_string(told->command));
    json_object_set_new(root, "began", json_string(began));
    json_object_set_new(root, "exit_code", json_integer(told->exit_code));
    json_object_set_new(root, "headline", document_text(told->headline));
    if (*told->backup)
        json_object_set_new(root, "backup", document_text(told->backup));
    json_object_set_new(root, "checks", checks);
    json_object_set_new(root, "program", json_string("restore-verifier " PROGRAM_VERSION));
    return dump(root);
}

static char *plain_words(const struct notification *told)
{
    static const char *const verdicts[] = {"PASS", "FAIL", "ERROR"};
    size_t verdict = told->exit_code == 0 || told->exit_code == 1 ? (size_t)told->exit_code : 2;
    return xasprintf("%s %s: %s", verdicts[verdict], told->scenario, told->headline);
}

/* What stands between < and > is a command to Slack, such as one that calls everybody. */
static char *slack_words(const struct notification *told)
{
    struct buffer text;
    cleanup(free_pointer) char *words = plain_words(told);
    buffer_init(&text, SIZE_MAX / 2);
    for (const char *next = words; *next; next++) {
        const char *safe = *next == '&'   ? "&amp;"
                           : *next == '<' ? "&lt;"
                           : *next == '>' ? "&gt;"
                                          : NULL;
        if (safe)
            buffer_append_text(&text, safe);
        else
            buffer_append(&text, next, 1);
    }
    cleanup(free_pointer) char *escaped = buffer_steal(&text);
    json_t *root = json_object();
    json_object_set_new(root, "text", document_text(escaped));
    return dump(root);
}

char *notification_format(const struct notification *notification, enum notify_format format)
{
    switch (format) {
    case NOTIFY_PING:
        return notification->exit_code == 0 ? NULL : plain_words(notification);
    case NOTIFY_SLACK:
        return slack_words(notification);
    case NOTIFY_JSON:
        return json_words(notification);
    }
    return NULL;
}

/* --- by a URL --------------------------------------------------------------------------------- */

static void tell_url(struct notifier *notifier, const struct notify_wanted *wanted, const char *url,
                     const struct notification *notification, struct strings *problems)
{
    struct error error;
    cleanup(free_pointer) char *host = http_host(url);
    cleanup(free_pointer) char *body = notification_format(notification, wanted->format);
    const struct http_message message = {
        .url = url,
        .type = wanted->format == NOTIFY_PING ? "text/plain; charset=utf-8" : "application/json",
        .body = body,
        .timeout_ms = wanted->timeout_ms};
    if (strings_contain(&notifier->silent, host)) {
        strings_addf(problems, "%s was not asked again, because it had failed for another scenario",
                     host);
        return;
    }
    int outcome = 1;
    for (int attempt = 0; attempt < ATTEMPTS && outcome == 1; attempt++) {
        if (attempt > 0)
            usleep(PAUSE_MS * 1000);
        outcome = http_send(&message, &error);
    }
    if (outcome == 0)
        return;
    strings_add(problems, error.text);
    if (outcome == 1)
        strings_add(&notifier->silent, host);
}

/* --- by a command ----------------------------------------------------------------------------- */

static int input_make(const char *text, int *ret_descriptor, struct error *error)
{
    int descriptor = memfd_create("notification", MFD_CLOEXEC);
    if (descriptor >= 0 && write_all(descriptor, text, strlen(text), "it", error) == 0 &&
        lseek(descriptor, 0, SEEK_SET) == 0) {
        *ret_descriptor = descriptor;
        return 0;
    }
    cannot_verify(error, "what is to be told cannot be handed over: %s", strerror(errno));
    close_descriptor(&descriptor);
    return -1;
}

static int run_command(const struct notify_wanted *wanted, const char *text, struct error *error)
{
    cleanup(close_descriptor) int input = -1;
    cleanup(strings_free) struct strings arguments = {0};
    cleanup(strings_free) struct strings environment = {0};
    struct process_result result = {0};
    const char *home = getenv("HOME");
    if (home)
        strings_addf(&environment, "HOME=%s", home);
    for (size_t i = 0; i < wanted->environment.count; i++)
        strings_add(&environment, wanted->environment.items[i]);
    for (size_t i = 0; i < wanted->command.count; i++)
        strings_add(&arguments, wanted->command.items[i]);
    if (input_make(text, &input, error) < 0)
        return -1;
    const struct process_options options = {.argv = strings_argv(&arguments),
                                            .environment = strings_argv(&environment),
                                            .input = input};
    int outcome = process_run(&options, deadline_after(wanted->timeout_ms), &result, error);
    cleanup(free_pointer) char *how = outcome == 0 ? process_describe(&result) : xstrdup("");
    bool failed = outcome == 0 && result.exit_code != 0;
    process_result_free(&result);
    return failed ? cannot_verify(error, "%s", how) : outcome;
}

/* What it prints is not told: it may print what it was given as a secret. */
static void tell_command(const struct notify_wanted *wanted,
                         const struct notification *notification, struct strings *problems)
{
    struct error error;
    cleanup(free_pointer) char *text = notification_format(notification, NOTIFY_JSON);
    int outcome = -1;
    for (int attempt = 0; attempt < ATTEMPTS && outcome < 0; attempt++)
        outcome = run_command(wanted, text, &error);
    if (outcome < 0)
        strings_addf(problems, "the command %s: %s", wanted->command.items[0], error.text);
}

void notify(struct notifier *notifier, const struct notify_wanted *wanted,
            const struct notification *notification, struct strings *problems)
{
    const char *url = notification->exit_code == 0 ? wanted->success : wanted->failure;
    if (url)
        tell_url(notifier, wanted, url, notification, problems);
    if (wanted->command.count > 0)
        tell_command(wanted, notification, problems);
}
