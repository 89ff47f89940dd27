/* Running pg_dump to its end: a custom-format archive without owners, for one database.
 *
 * The password goes through the environment. What pg_dump says on its standard error is read, its
 * last 64 KiB kept, and the line that matters becomes the error, with what to do about it. Every
 * failure is FAULT_MACHINE: no backup exists yet that could be bad.
 *
 * Call it from a thread that stays: pg_dump is killed when its starter ends (base/process.h).
 */
#ifndef POSTGRES_DUMP_H
#define POSTGRES_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "postgres/address.h"
#include "postgres/tools.h"

/* Takes the archive piece by piece; -1 with `error` filled stops the dump. */
typedef int dump_sink(void *context, const void *bytes, size_t length, struct error *error);

struct dump_options {
    const struct tools *tools; /* from tools_find(TASK_DUMP, the server's major version) */
    const struct address *database;
    bool uncompressed;    /* --compress=0: the file around it is compressed */
    const char *snapshot; /* of pg_export_snapshot(), whose transaction is still open; or NULL */
    /* Where the archive goes: `sink`, or, when that is NULL, straight into the open file `output`.
     * Only in a file can pg_dump note where the data of each table begins, which parallel restores
     * use. */
    dump_sink *sink;
    void *context;
    int output;
    int64_t deadline_ms;
    _Atomic int64_t *progress_bytes; /* bytes of the archive so far; may be NULL */
};

/* Ends early when a signal that is held (base/signals.h) asks us to stop.
 * 0 only when pg_dump exited with code 0 and every byte was taken. After a failure nothing of it
 * runs any more. */
int dump_run(const struct dump_options *options, struct error *error);

/* What to tell the user about a pg_dump that failed, from what it printed: to be freed by the
 * caller. Pure. `how`: "exited with code 1". */
char *dump_explain(const char *messages, const char *how);

#endif
