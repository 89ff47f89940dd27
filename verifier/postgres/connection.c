#include "postgres/connection.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/signals.h"

enum { TICK_MS = 250 }; /* how often it is looked whether we are told to stop */

struct connection {
    PGconn *raw;
    int64_t deadline_ms;
    const char *given_up; /* why nothing more is asked; NULL: it is */
};

/* libpq's text without its trailing newline. libpq puts no password into its messages. */
static char *message_clean(const char *message)
{
    size_t length = strlen(message);
    while (length > 0 && strchr("\n ", message[length - 1]))
        length--;
    return xstrndup(message, length);
}

/* Without libpq's own advice on a second line, since ours follows. */
static void drop_advice(char *message)
{
    static const char begin[] = "\n\tIs the server running";
    for (char *at; (at = strstr(message, begin));) {
        size_t length = 1 + strcspn(at + 1, "\n");
        memmove(at, at + length, strlen(at + length) + 1);
    }
}

static const char *advice(const char *message)
{
    static const struct {
        const char *words;
        const char *advice;
    } known[] = {
        {"password authentication failed", "check the user and the password"},
        {"no password supplied",
         "the URL has no password: add it, or use a pass file (of mode 0600: "
         "libpq ignores one that others may read)"},
        {"could not translate host name", "check the host name, and that this machine has DNS"},
        {"Connection refused", "check host and port, and that the server runs"},
        {"No such file or directory", "check the socket directory, and that the server runs"},
        {"timeout expired", "check host, port and firewall"},
        {"timed out", "check host, port and firewall"},
        {"no pg_hba.conf entry",
         "the server lets nobody in from here like this: add sslmode=require to the URL if it says "
         "`no encryption`, or a line to its pg_hba.conf"},
        {"SSL", "check sslmode and the certificates"},
        {"does not exist", "check the name of the database and of the user"},
        {"too many connections", "try again when fewer clients are connected"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (strstr(message, known[i].words))
            return known[i].advice;
    return "check the connection string";
}

/* Drives libpq's asynchronous connect, so that the whole of it, with name lookup of several
 * addresses, keeps to one deadline. */
static int connect_until(PGconn *raw, int64_t deadline_ms)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        struct pollfd socket = {.fd = PQsocket(raw),
                                .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (poll(&socket, 1, deadline_poll_ms(deadline_ms)) == 0 && clock_ms() >= deadline_ms)
            return -1;
        status = PQconnectPoll(raw);
    }
    return 0;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

int connection_open(const struct address *address, int64_t timeout_ms,
                    struct connection **ret_connection, struct error *error)
{
    struct address full;
    address_copy(address, &full);
    address_set(&full, "application_name", "restore-verifier");
    PGconn *raw = PQconnectStartParams(strings_argv(&full.keywords), strings_argv(&full.values), 0);
    address_free(&full);
    int reached = 0;
    if (raw && PQstatus(raw) != CONNECTION_BAD)
        reached = connect_until(raw, deadline_after(timeout_ms));
    if (raw && reached == 0 && PQstatus(raw) == CONNECTION_OK) {
        PQsetNoticeReceiver(raw, ignore_notice, NULL);
        *ret_connection = xcalloc(1, sizeof(**ret_connection));
        (*ret_connection)->raw = raw;
        (*ret_connection)->deadline_ms = NO_DEADLINE;
        return 0;
    }
    cleanup(free_pointer) char *where = address_describe(address);
    cleanup(free_pointer) char *message =
        reached < 0
            ? xasprintf("no answer within %d s: timeout expired", (int)((timeout_ms + 999) / 1000))
            : message_clean(raw ? PQerrorMessage(raw) : "out of memory");
    PQfinish(raw);
    drop_advice(message);
    return cannot_verify(error, "cannot connect to %s: %s; %s", where, message, advice(message));
}

void connection_close(struct connection *connection)
{
    if (!connection)
        return;
    PQfinish(connection->raw);
    free(connection);
}

void connection_closep(struct connection **connection)
{
    connection_close(*connection);
}

void result_clear(PGresult **result)
{
    PQclear(*result);
}

static int result_check(PGresult *result, PGconn *raw, char ret_state[6], struct error *error)
{
    if (ret_state)
        ret_state[0] = '\0';
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return 0;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (ret_state && state)
        snprintf(ret_state, 6, "%s", state);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    cleanup(free_pointer) char *message = message_clean(primary ? primary : PQerrorMessage(raw));
    return cannot_verify(error, "%s", *message ? message : "the server gave no result");
}

/* --- waiting for an answer -------------------------------------------------------------------- */

void connection_set_deadline(struct connection *connection, int64_t deadline_ms)
{
    connection->deadline_ms = deadline_ms;
}

/* Until libpq has a whole result, or knows that the connection is lost. */
static int wait_for_result(struct connection *connection, struct error *error)
{
    PGconn *raw = connection->raw;
    while (PQisBusy(raw)) {
        int64_t left_ms = connection->deadline_ms - clock_ms();
        if (left_ms <= 0)
            connection->given_up = "the server did not answer in time";
        else if (connection->deadline_ms != NO_DEADLINE && signals_held())
            connection->given_up = "interrupted";
        if (connection->given_up)
            return cannot_verify(error, "%s", connection->given_up);
        struct pollfd socket = {.fd = PQsocket(raw), .events = POLLIN};
        if (poll(&socket, 1, left_ms < TICK_MS ? (int)left_ms : TICK_MS) > 0 &&
            PQconsumeInput(raw) == 0)
            break;
    }
    return 0;
}

/* What PQexec and PQexecParams do, but not for ever: gives the last result, or the first that is an
 * error, to what has been sent. */
static int collect(struct connection *connection, int sent, PGresult **ret_result,
                   struct error *error)
{
    cleanup(result_clear) PGresult *last = NULL;
    if (connection->given_up)
        return cannot_verify(error, "%s", connection->given_up);
    while (sent == 1) {
        if (wait_for_result(connection, error) < 0)
            return -1;
        PGresult *result = PQgetResult(connection->raw);
        if (!result)
            break;
        ExecStatusType status = PQresultStatus(result);
        bool failed = last && PQresultStatus(last) == PGRES_FATAL_ERROR;
        PQclear(failed ? result : last);
        last = failed ? last : result;
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN)
            break; /* for the caller to go on with */
    }
    *ret_result = take(&last);
    return 0;
}

int connection_query(struct connection *connection, const char *sql, const char *const *parameters,
                     PGresult **ret_result, char ret_state[6], struct error *error)
{
    int count = 0;
    while (parameters && parameters[count])
        count++;
    int sent = PQsendQueryParams(connection->raw, sql, count, NULL, parameters, NULL, NULL, 0);
    cleanup(result_clear) PGresult *result = NULL;
    if (ret_state)
        ret_state[0] = '\0';
    if (collect(connection, sent, &result, error) < 0 ||
        result_check(result, connection->raw, ret_state, error) < 0)
        return -1;
    *ret_result = take(&result);
    return 0;
}

int connection_each(struct connection *connection, const char *sql, row_visitor *visit,
                    void *context, char ret_state[6], struct error *error)
{
    PGconn *raw = connection->raw;
    int outcome = 0;
    ret_state[0] = '\0';
    if (PQsendQuery(raw, sql) == 0 || PQsetSingleRowMode(raw) == 0) {
        cleanup(free_pointer) char *message = message_clean(PQerrorMessage(raw));
        outcome = cannot_verify(error, "%s", message);
    }
    for (PGresult *result; (result = PQgetResult(raw)); PQclear(result)) {
        if (outcome < 0)
            continue; /* it must be read to its end all the same */
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            visit(context, result);
        else
            outcome = result_check(result, raw, ret_state, error);
    }
    return outcome;
}

int connection_copy_out(struct connection *connection, const char *sql, copied_row *take_row,
                        void *context, struct error *error)
{
    PGconn *raw = connection_raw(connection);
    cleanup(result_clear) PGresult *began = PQexec(raw, sql);
    if (PQresultStatus(began) != PGRES_COPY_OUT)
        return cannot_verify(error, "%s", PQerrorMessage(raw));
    char *row;
    int length;
    while ((length = PQgetCopyData(raw, &row, 0)) > 0) {
        take_row(context, row, (size_t)length);
        PQfreemem(row);
    }
    bool failed = length == -2;
    for (PGresult *rest; (rest = PQgetResult(raw));) {
        failed |= PQresultStatus(rest) != PGRES_COMMAND_OK;
        PQclear(rest);
    }
    return failed ? cannot_verify(error, "%s", PQerrorMessage(raw)) : 0;
}

int connection_execute(struct connection *connection, struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *sql = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(result_clear) PGresult *result = NULL;
    if (collect(connection, PQsendQuery(connection->raw, sql), &result, error) < 0)
        return -1;
    return result_check(result, connection->raw, NULL, error);
}

int connection_execute_each(struct connection *connection, const char *sql, struct error *error)
{
    cleanup(result_clear) PGresult *statements = NULL;
    if (connection_query(connection, sql, NULL, &statements, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(statements); i++)
        if (connection_execute(connection, error, "%s", PQgetvalue(statements, i, 0)) < 0)
            return -1;
    return 0;
}

static char *quote(const char *text, char mark)
{
    char *quoted = xmalloc(strlen(text) * 2 + 3);
    char *end = quoted;
    *end++ = mark;
    for (; *text; text++) {
        if (*text == mark)
            *end++ = mark;
        *end++ = *text;
    }
    *end++ = mark;
    *end = '\0';
    return quoted;
}

char *identifier_quote(const char *name)
{
    return quote(name, '"');
}

char *table_quote(const char *table)
{
    const char *dot = strchr(table, '.');
    cleanup(free_pointer) char *first = dot ? xstrndup(table, (size_t)(dot - table)) : NULL;
    cleanup(free_pointer) char *schema = first ? identifier_quote(first) : NULL;
    cleanup(free_pointer) char *name = identifier_quote(dot ? dot + 1 : table);
    return xasprintf("%s%s%s", schema ? schema : "", schema ? "." : "", name);
}

/* For servers with standard_conforming_strings on, the default since 9.1. */
char *literal_quote(const char *text)
{
    return quote(text, '\'');
}

int connection_server_version(const struct connection *connection)
{
    return PQserverVersion(connection->raw);
}

PGconn *connection_raw(struct connection *connection)
{
    return connection->raw;
}
