/* What the throwaway server wrote into its log about the sessions of one database: each statement
 * with its beginning and end, which transaction it belongs to, and what our event triggers saw.
 *
 * A line begins with `%m [%p] %v %d ` (postgres/tuning.h), in UTC; the server puts a tab in front
 * of every further line of a message, so that no statement can look like a line of its own.
 * Statements are logged when they begin (log_statement) and, when they have ended, by their
 * duration (log_min_duration_statement). A transaction has ended when a line of its session has
 * another local id. Times are microseconds since 1970, exact to a millisecond.
 */
#ifndef REHEARSAL_SERVER_LOG_H
#define REHEARSAL_SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Not over. */
#define TIME_OPEN INT64_MAX

/* A session's slot and its transaction: unique while a server runs. */
struct transaction_id {
    int32_t slot;
    uint32_t local; /* 0: none */
};

struct logged_statement {
    struct transaction_id transaction;
    int64_t from_us;
    int64_t to_us;
    bool failed;
    bool took_locks;          /* an event trigger saw some at its end */
    size_t transaction_place; /* of its transaction in the list, + 1; 0: none */
    char *text;               /* on one line, at most STATEMENT_BYTES */
};
enum { STATEMENT_BYTES = 2000 };

struct logged_transaction {
    struct transaction_id id;
    int64_t from_us; /* its first line */
    int64_t to_us;
    bool failed; /* a statement of it did, and no savepoint caught it */
};

/* A lock that an event trigger saw held at the end of a command. */
struct logged_lock {
    struct transaction_id transaction;
    int64_t at_us;
    size_t statement_place; /* of the command in the list, + 1; 0: not known */
    uint32_t relation;
    char mode[32]; /* "AccessExclusiveLock" */
};

struct server_log {
    struct logged_statement *statements; /* by their beginnings */
    size_t statement_count;
    size_t dropped;                          /* short ones beyond those that are kept */
    struct logged_transaction *transactions; /* by their beginnings */
    size_t transaction_count;
    struct logged_lock *locks;
    size_t lock_count;
    uint32_t *rewritten; /* tables, each as often as it was */
    size_t rewritten_count;
    bool entered;            /* there was a session */
    int64_t temporary_bytes; /* of files that were made and are gone */
    char *first_error;       /* NULL: none */
};

/* Reads the file from one offset to another. */
int server_log_read(const char *path, int64_t from, int64_t to, const char *database,
                    struct server_log *ret_log, struct error *error);
void server_log_free(struct server_log *log); /* takes a zeroed one */

/* Where a log ends now. */
int64_t server_log_end(const char *path);

/* NULL when it is not known. Borrowed. */
const struct logged_transaction *server_log_transaction(const struct server_log *log,
                                                        struct transaction_id id);

/* "3/17"; false when it is not that. */
bool transaction_id_parse(const char *text, struct transaction_id *ret_id);
bool transaction_id_same(struct transaction_id one, struct transaction_id other);

#endif
