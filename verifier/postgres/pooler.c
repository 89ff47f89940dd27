#include "postgres/pooler.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "postgres/connection.h"

/* A pool with one connection would make the second client wait for the first. */
enum { CONNECT_TIMEOUT_MS = 30000, ANSWER_TIMEOUT_MS = 3000, ROUNDS = 5 };

/* The server's process that answers; 0 when there is no answer in time. */
static int answering_process(struct connection *connection)
{
    PGconn *raw = connection_raw(connection);
    int64_t deadline_ms = deadline_after(ANSWER_TIMEOUT_MS);
    int process = 0;
    if (!PQsendQuery(raw, "select pg_catalog.pg_backend_pid()"))
        return 0;
    while (PQisBusy(raw)) {
        struct pollfd socket = {.fd = PQsocket(raw), .events = POLLIN};
        if (poll(&socket, 1, deadline_poll_ms(deadline_ms)) <= 0 || !PQconsumeInput(raw))
            return 0;
    }
    for (PGresult *result; (result = PQgetResult(raw)); PQclear(result))
        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
            process = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    return process;
}

/* Two clients at the same time: a server process that answers both, or two that answer one. */
static bool is_shared(struct connection *one, struct connection *other)
{
    int first = answering_process(one);
    for (int i = 0; i < ROUNDS && first > 0; i++) {
        int second = answering_process(other);
        if (second == 0)
            return false;
        int again = answering_process(one);
        if (second == first || (again > 0 && again != first))
            return true;
    }
    return false;
}

int pooler_refuse(const struct address *address, int64_t deadline_ms, struct error *error)
{
    int64_t left_ms = deadline_ms - clock_ms();
    cleanup(connection_closep) struct connection *one = NULL;
    cleanup(connection_closep) struct connection *other = NULL;
    struct error ignored;
    if (connection_open(address, left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS, &one,
                        error) < 0)
        return -1;
    /* A pooler has processes and keys of its own to tell its clients. */
    if (PQbackendPID(connection_raw(one)) == answering_process(one) ||
        connection_open(address, ANSWER_TIMEOUT_MS, &other, &ignored) < 0 || !is_shared(one, other))
        return 0;
    cleanup(free_pointer) char *where = address_describe(address);
    return cannot_verify(error,
                         "%s is a pooler in transaction mode, such as PgBouncer's: pg_dump needs a "
                         "session of its own, and would leave its settings (an empty search_path) "
                         "to your application. Name the server itself in source.database, or a "
                         "pool with pool_mode = session",
                         where);
}
