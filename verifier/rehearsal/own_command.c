#include "rehearsal/own_command.h"

#include <stdlib.h>

#include "postgres/reader.h"
#include "rehearsal/copy.h"
#include "rehearsal/server_log.h"
#include "rehearsal/what_runs.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

struct own_commands {
    const struct lent_server *server;
    char *owner;
};

static int find_owner(struct own_commands *commands, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    if (reader_open(commands->server->database, READER_TABLES, CONNECT_TIMEOUT_MS, &connection,
                    error) < 0)
        return -1;
    return copy_owner(connection, &commands->owner, error);
}

int own_commands_begin(const struct lent_server *server, struct own_commands **ret_commands,
                       struct error *error)
{
    struct own_commands *commands = xcalloc(1, sizeof(*commands));
    commands->server = server;
    if (find_owner(commands, error) < 0 || copy_make(server, commands->owner, error) < 0) {
        own_commands_end(commands);
        return -1;
    }
    *ret_commands = commands;
    return 0;
}

/* What it left behind has ended before the copy is closed, in any case. */
static int run_in_copy(const struct own_commands *commands, const struct command *command,
                       struct command_end *end, bool *ret_came, struct error *error)
{
    const struct lent_server *server = commands->server;
    const struct copy_rights rights = {.owner = commands->owner};
    struct server_log log = {0};
    struct error unclosed;
    bool observed;
    int64_t from, to = 0;
    if (copy_open(server, &rights, &observed, error) < 0)
        return -1;
    from = server_log_end(server->log);
    int outcome = command_run(command, end, error);
    if (copy_close(server, &to, &unclosed) < 0 && outcome == 0) {
        *error = unclosed;
        outcome = -1;
    }
    if (outcome == 0)
        outcome = server_log_read(server->log, from, to, copy_name, &log, error);
    *ret_came = log.entered;
    server_log_free(&log);
    return outcome;
}

int own_command_run(struct own_commands *commands, const struct own_command *wanted,
                    struct command_end *ret_end, bool *ret_came, struct error *error)
{
    const struct address *server = commands->server->server;
    const struct copy_place place = {.host = address_get(server, "host"),
                                     .port = address_get(server, "port"),
                                     .database = copy_name,
                                     .role = commands->owner};
    struct what_runs what = {0};
    struct command_end end = {0};
    if (what_runs_fill(&wanted->run, &wanted->environment, &place, &what, error) < 0)
        return -1;
    const struct command command = {.arguments = &what.command,
                                    .environment = &what.environment,
                                    .directory = wanted->directory,
                                    .timeout_ms = wanted->timeout_ms,
                                    .secrets = &what.secrets};
    int outcome = run_in_copy(commands, &command, &end, ret_came, error);
    what_runs_free(&what);
    if (outcome < 0)
        command_end_free(&end);
    else
        *ret_end = end;
    return outcome;
}

void own_commands_end(struct own_commands *commands)
{
    if (!commands)
        return;
    copy_drop(commands->server);
    free(commands->owner);
    free(commands);
}
