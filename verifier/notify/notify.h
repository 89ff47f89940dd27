/* Tells who wants to know what a run came to: by a URL, and by a command of the user's own.
 *
 * Each is given a time and, when it fails in a way that may pass, one more attempt. A host that
 * could not be reached is not asked again by the same notifier, so that a night of many scenarios
 * does not wait for it again and again.
 *
 * As JSON, which the command gets on its standard input, too:
 *
 *     {"format": "restore-verifier notification", "version": 1, "event": "failure",
 *      "scenario": "bugspark", "command": "nightly", "began": "2026-11-26T02:00:00Z",
 *      "exit_code": 1, "headline": "the backup is bad: ...", "backup": "bugspark_20261126.dump.gz",
 *      "checks": {"all": 17, "passed": 16, "failed": 1, "errors": 0, "skipped": 0},
 *      "program": "restore-verifier 0.1.0"}
 *
 * "event" is "success" when the exit code is 0. What is not known has no key.
 */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <time.h>

#include "scenario/scenario.h"

/* Borrowed. Texts are fit to be shown, but for what a format may make of them. */
struct notification {
    const char *scenario;
    const char *command; /* "verify" */
    time_t began;
    int exit_code;
    const char *headline;
    const char *backup; /* "" */
    int checks, passed, failed, errors, skipped;
};

struct notifier {
    struct strings silent; /* hosts that could not be reached */
};
void notifier_free(struct notifier *notifier);

/* `problems` gets a sentence for each that could not be told. */
void notify(struct notifier *notifier, const struct notify_wanted *wanted,
            const struct notification *notification, struct strings *problems);

/* What is sent; to be freed. NULL: nothing but the request. */
char *notification_format(const struct notification *notification, enum notify_format format);

#endif
