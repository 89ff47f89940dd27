#include "rehearsal/server_log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"

/* Beyond so many statements those are not kept that took less than a millisecond. */
enum { STATEMENTS_MOST = 100000, SHORT_US = 1000, LINE_BYTES = 1 << 20 };

/* A session while its lines pass by. */
struct session {
    int32_t pid;
    size_t statement;   /* the one that runs, its place + 1; 0: none */
    size_t transaction; /* likewise */
};

struct reading {
    struct server_log log;
    size_t statement_room, transaction_room, lock_room, rewritten_room;
    struct session *sessions;
    size_t session_count;
    const char *database;
    bool goes_on; /* lines that follow belong to the text of the last statement */
};

/* What a line begins with. */
struct line {
    int64_t at_us;
    int32_t pid;
    struct transaction_id transaction;
    const char *level;
    const char *message;
};

/* Room for one more behind `count` items. */
static void *grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : 64;
    return xreallocarray(items, *room, size);
}

bool transaction_id_parse(const char *text, struct transaction_id *ret_id)
{
    char *end;
    long slot = strtol(text, &end, 10);
    if (end == text || *end != '/' || !isdigit((unsigned char)end[1]))
        return false;
    *ret_id = (struct transaction_id){.slot = (int32_t)slot,
                                      .local = (uint32_t)strtoul(end + 1, NULL, 10)};
    return true;
}

bool transaction_id_same(struct transaction_id one, struct transaction_id other)
{
    return one.slot == other.slot && one.local == other.local;
}

/* --- a line ----------------------------------------------------------------------------------- */

/* "2026-11-26 16:33:07.123 UTC"; gives what stands behind, or NULL. */
static const char *time_parse(const char *text, int64_t *ret_us)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &parts);
    if (!rest || *rest != '.')
        return NULL;
    char *end;
    long milliseconds = strtol(rest + 1, &end, 10);
    if (!starts_with(end, " UTC ") || milliseconds < 0 || milliseconds > 999)
        return NULL;
    *ret_us = ((int64_t)timegm(&parts) * 1000 + milliseconds) * 1000;
    return end + strlen(" UTC ");
}

/* "[123] 3/17 DATABASE LOG:  message" of the database; gives false for all else. */
static bool line_parse(const char *text, const char *database, struct line *ret_line)
{
    struct line line;
    const char *rest = time_parse(text, &line.at_us);
    char *end;
    if (!rest || *rest != '[')
        return false;
    line.pid = (int32_t)strtol(rest + 1, &end, 10);
    if (!starts_with(end, "] ") || !transaction_id_parse(end + 2, &line.transaction))
        return false;
    const char *name = strchr(end + 2, ' ');
    size_t length = strlen(database);
    if (!name || strncmp(name + 1, database, length) != 0 || name[1 + length] != ' ')
        return false;
    line.level = name + 1 + length + 1;
    const char *colon = strstr(line.level, ":  ");
    if (!colon)
        return false;
    line.message = colon + strlen(":  ");
    *ret_line = line;
    return true;
}

/* --- transactions ----------------------------------------------------------------------------- */

static struct session *session_of(struct reading *reading, int32_t pid)
{
    for (size_t i = reading->session_count; i-- > 0;)
        if (reading->sessions[i].pid == pid)
            return &reading->sessions[i];
    reading->sessions =
        xreallocarray(reading->sessions, reading->session_count + 1, sizeof(*reading->sessions));
    reading->sessions[reading->session_count] = (struct session){.pid = pid};
    return &reading->sessions[reading->session_count++];
}

static void transaction_follow(struct reading *reading, struct session *session,
                               const struct line *line)
{
    struct server_log *log = &reading->log;
    struct logged_transaction *current =
        session->transaction ? &log->transactions[session->transaction - 1] : NULL;
    if (current && transaction_id_same(current->id, line->transaction))
        return;
    if (current)
        current->to_us = line->at_us;
    session->transaction = 0;
    if (line->transaction.local == 0)
        return;
    log->transactions = grown(log->transactions, log->transaction_count, &reading->transaction_room,
                              sizeof(*log->transactions));
    log->transactions[log->transaction_count++] = (struct logged_transaction){
        .id = line->transaction, .from_us = line->at_us, .to_us = TIME_OPEN};
    session->transaction = log->transaction_count;
}

/* --- statements ------------------------------------------------------------------------------- */

/* Appends what there is room for, every run of white space as one space; but a comment ends with
 * its line. */
static void words_add(struct logged_statement *statement, const char *words)
{
    size_t length = strlen(statement->text);
    bool blank = length > 0;
    if (blank && strstr(statement->text, "--") && length + 2 < STATEMENT_BYTES) {
        statement->text[length++] = '\n';
        blank = false;
    }
    for (; *words && length + 2 < STATEMENT_BYTES; words++) {
        if (isspace((unsigned char)*words)) {
            blank = length > 0 && statement->text[length - 1] != '\n';
            continue;
        }
        if (blank && statement->text[length - 1] != ' ')
            statement->text[length++] = ' ';
        blank = false;
        statement->text[length++] = *words;
    }
    statement->text[length] = '\0';
}

/* Its text was of the most that may come; most are short. */
static void text_shrink(struct logged_statement *statement)
{
    char *shorter = xstrdup(statement->text);
    free(statement->text);
    statement->text = shorter;
}

static void statement_begin(struct reading *reading, struct session *session,
                            const struct line *line, const char *text)
{
    struct server_log *log = &reading->log;
    log->statements = grown(log->statements, log->statement_count, &reading->statement_room,
                            sizeof(*log->statements));
    struct logged_statement *statement = &log->statements[log->statement_count++];
    *statement = (struct logged_statement){.transaction = line->transaction,
                                           .from_us = line->at_us,
                                           .to_us = TIME_OPEN,
                                           .transaction_place = session->transaction,
                                           .text = xcalloc(1, STATEMENT_BYTES)};
    words_add(statement, text);
    session->statement = log->statement_count;
    reading->goes_on = true;
}

static void statement_end(struct reading *reading, struct session *session, const struct line *line,
                          bool failed)
{
    struct server_log *log = &reading->log;
    if (session->statement == 0)
        return;
    struct logged_statement *statement = &log->statements[session->statement - 1];
    statement->to_us = line->at_us;
    statement->failed = failed;
    text_shrink(statement);
    if (session->statement == log->statement_count && log->statement_count > STATEMENTS_MOST &&
        statement->to_us - statement->from_us < SHORT_US && !failed && !statement->took_locks) {
        free(statement->text);
        log->statement_count--;
        log->dropped++;
    }
    session->statement = 0;
}

/* --- what event triggers saw -------------------------------------------------------------------
 */

/* "16390:AccessExclusiveLock 16395:ShareLock" */
static void locks_take(struct reading *reading, const struct session *session,
                       const struct line *line, const char *text)
{
    struct server_log *log = &reading->log;
    if (session->statement > 0)
        log->statements[session->statement - 1].took_locks = true;
    while (*text) {
        char *end;
        struct logged_lock lock = {.transaction = line->transaction,
                                   .at_us = line->at_us,
                                   .statement_place = session->statement};
        lock.relation = (uint32_t)strtoul(text, &end, 10);
        size_t length = strcspn(end, " ");
        if (*end != ':' || length < 2 || length - 1 >= sizeof(lock.mode))
            return;
        memcpy(lock.mode, end + 1, length - 1);
        log->locks = grown(log->locks, log->lock_count, &reading->lock_room, sizeof(*log->locks));
        log->locks[log->lock_count++] = lock;
        text = end + length;
        text += *text == ' ';
    }
}

static void rewrite_take(struct reading *reading, const char *text)
{
    struct server_log *log = &reading->log;
    log->rewritten = grown(log->rewritten, log->rewritten_count, &reading->rewritten_room,
                           sizeof(*log->rewritten));
    log->rewritten[log->rewritten_count++] = (uint32_t)strtoul(text, NULL, 10);
}

/* --- all lines -------------------------------------------------------------------------------- */

/* "execute NAME: SQL", of the extended protocol. */
static const char *executed(const char *message)
{
    const char *colon = starts_with(message, "execute ") ? strstr(message, ": ") : NULL;
    return colon ? colon + 2 : NULL;
}

static void failure_take(struct reading *reading, struct session *session, const struct line *line)
{
    if (!reading->log.first_error)
        reading->log.first_error = xstrndup(line->message, strcspn(line->message, "\n"));
    if (session->transaction > 0)
        reading->log.transactions[session->transaction - 1].failed = true;
    statement_end(reading, session, line, true);
}

static void message_take(struct reading *reading, struct session *session, const struct line *line)
{
    static const char statement[] = "statement: ", duration[] = "duration: ",
                      locks[] = "restore_verifier locks ", rewrite[] = "restore_verifier rewrite ",
                      temporary[] = "temporary file: ";
    const char *message = line->message;
    const char *size;
    if (starts_with(line->level, "ERROR:") || starts_with(line->level, "FATAL:"))
        failure_take(reading, session, line);
    else if (!starts_with(line->level, "LOG:"))
        return;
    else if (starts_with(message, statement))
        statement_begin(reading, session, line, message + strlen(statement));
    else if (executed(message))
        statement_begin(reading, session, line, executed(message));
    else if (starts_with(message, duration) && !strstr(message, " ms  parse ") &&
             !strstr(message, " ms  bind "))
        statement_end(reading, session, line, false);
    else if (starts_with(message, locks))
        locks_take(reading, session, line, message + strlen(locks));
    else if (starts_with(message, rewrite))
        rewrite_take(reading, message + strlen(rewrite));
    else if (starts_with(message, temporary) && (size = strstr(message, ", size ")))
        reading->log.temporary_bytes += strtoll(size + strlen(", size "), NULL, 10);
}

/* ROLLBACK TO is how a program goes on behind an error in a transaction. */
static void mend(struct reading *reading, struct session *session)
{
    struct server_log *log = &reading->log;
    const char *text = session->statement ? log->statements[session->statement - 1].text : "";
    if (session->transaction > 0 && strncasecmp(text, "ROLLBACK TO", strlen("ROLLBACK TO")) == 0)
        log->transactions[session->transaction - 1].failed = false;
}

static void line_take(struct reading *reading, char *text)
{
    struct line line;
    text[strcspn(text, "\n")] = '\0';
    if (*text == '\t') {
        struct server_log *log = &reading->log;
        if (reading->goes_on && log->statement_count > 0 &&
            log->statements[log->statement_count - 1].to_us == TIME_OPEN)
            words_add(&log->statements[log->statement_count - 1], text);
        return;
    }
    reading->goes_on = false;
    if (!line_parse(text, reading->database, &line))
        return;
    struct session *session = session_of(reading, line.pid);
    /* The end of a statement that ended its transaction too comes without one. */
    transaction_follow(reading, session, &line);
    reading->log.entered |= starts_with(line.level, "LOG:");
    message_take(reading, session, &line);
    mend(reading, session);
}

int64_t server_log_end(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 ? 0 : (int64_t)status.st_size;
}

static void finish(struct reading *reading)
{
    struct server_log *log = &reading->log;
    for (size_t i = 0; i < log->statement_count; i++)
        if (log->statements[i].to_us == TIME_OPEN)
            text_shrink(&log->statements[i]);
    free(reading->sessions);
}

int server_log_read(const char *path, int64_t from, int64_t to, const char *database,
                    struct server_log *ret_log, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file || fseeko(file, (off_t)from, SEEK_SET) < 0) {
        if (file)
            fclose(file);
        return cannot_verify(error, "cannot read the server's log %s: %s", path, strerror(errno));
    }
    struct reading reading = {.database = database};
    cleanup(free_pointer) char *text = xmalloc(LINE_BYTES);
    /* What is longer than that is read in pieces, of which only the first one looks like a line. */
    while (ftello(file) < (off_t)to && fgets(text, LINE_BYTES, file))
        line_take(&reading, text);
    fclose(file);
    finish(&reading);
    *ret_log = reading.log;
    return 0;
}

void server_log_free(struct server_log *log)
{
    for (size_t i = 0; i < log->statement_count; i++)
        free(log->statements[i].text);
    free(log->statements);
    free(log->transactions);
    free(log->locks);
    free(log->rewritten);
    free(log->first_error);
    *log = (struct server_log){0};
}

const struct logged_transaction *server_log_transaction(const struct server_log *log,
                                                        struct transaction_id id)
{
    for (size_t i = log->transaction_count; i-- > 0;)
        if (transaction_id_same(log->transactions[i].id, id))
            return &log->transactions[i];
    return NULL;
}
