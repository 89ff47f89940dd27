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

typedef int maker(const struct lent_server *server, const char *owner, struct error *error);

static int begin(const struct lent_server *server, maker *make, struct own_commands **ret_commands,
                 struct error *error)
{
    struct own_commands *commands = xcalloc(1, sizeof(*commands));
    commands->server = server;
    if (find_owner(commands, error) < 0 || make(server, commands->owner, error) < 0) {
        own_commands_end(commands);
        return -1;
    }
    *ret_commands = commands;
    return 0;
}

int own_commands_begin(const struct lent_server *server, struct own_commands **ret_commands,
                       struct error *error)
{
    return begin(server, copy_make, ret_commands, error);
}

int own_commands_begin_empty(const struct lent_server *server, struct own_commands **ret_commands,
                             struct error *error)
{
    return begin(server, copy_make_empty, ret_commands, error);
}

/* What it left behind has ended before the copy is closed, in any case. */
static int run_in_copy(const struct own_commands *commands, const struct command *command,
                       bool superuser, struct command_end *end, bool *ret_came, struct error *error)
{
    const struct lent_server *server = commands->server;
    const struct copy_rights rights = {.owner = commands->owner, .superuser = superuser};
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

static struct copy_place place_of(const struct own_commands *commands)
{
    const struct address *server = commands->server->server;
    return (struct copy_place){.host = address_get(server, "host"),
                               .port = address_get(server, "port"),
                               .database = copy_name,
                               .role = commands->owner};
}

static int run_what(const struct own_commands *commands, const struct what_runs *what,
                    struct command *command, bool superuser, struct command_end *ret_end,
                    bool *ret_came, struct error *error)
{
    struct command_end end = {0};
    command->arguments = &what->command;
    command->environment = &what->environment;
    command->secrets = &what->secrets;
    int outcome = run_in_copy(commands, command, superuser, &end, ret_came, error);
    if (outcome < 0)
        command_end_free(&end);
    else
        *ret_end = end;
    return outcome;
}

int own_command_run(struct own_commands *commands, const struct own_command *wanted,
                    struct command_end *ret_end, bool *ret_came, struct error *error)
{
    const struct copy_place place = place_of(commands);
    struct command command = {.directory = wanted->directory, .timeout_ms = wanted->timeout_ms};
    struct what_runs what = {0};
    if (what_runs_fill(&wanted->run, &wanted->environment, &place, &what, error) < 0)
        return -1;
    int outcome = run_what(commands, &what, &command, false, ret_end, ret_came, error);
    what_runs_free(&what);
    return outcome;
}

int own_commands_migrate(struct own_commands *commands, const struct scenario *scenario,
                         struct command_end *ret_end, bool *ret_came, struct error *error)
{
    const struct migration_wanted *wanted = &scenario->migration;
    const struct copy_place place = place_of(commands);
    struct what_runs what = {0};
    if (what_runs_find(scenario, &place, &what, error) < 0)
        return -1;
    struct command command = {
        .directory = what.directory, .timeout_ms = wanted->timeout_ms, .network = wanted->network};
    int outcome = run_what(commands, &what, &command, wanted->superuser, ret_end, ret_came, error);
    what_runs_free(&what);
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
