#include "rehearsal/from_migrations.h"

#include "base/clock.h"
#include "rehearsal/copy.h"
#include "rehearsal/own_command.h"
#include "stages/definitions.h"

static int judge(const struct command_end *end, bool came, struct error *error)
{
    if (end->overdue)
        return cannot_verify(error, "the migrations did not end in time on an empty database: "
                                    "raise migration.timeout");
    if (end->exit_code != 0)
        return cannot_verify(error,
                             "the migrations cannot be applied to an empty database: the command "
                             "%s: %s",
                             end->how, end->last_lines);
    if (!came)
        return cannot_verify(error,
                             "the command of the migrations exited with code 0 and never came to "
                             "the empty database: hand it the address by ${migration.url}");
    return 0;
}

static int read_definitions(const struct lent_server *server, const char *server_version,
                            int64_t timeout_ms, struct archive *archive, struct error *error)
{
    struct address address;
    copy_address(server, &address);
    const struct definitions_source source = {.database = &address,
                                              .server_version = server_version,
                                              .encoding = server->encoding,
                                              .throwaway = true,
                                              .deadline_ms = deadline_after(timeout_ms)};
    int outcome = definitions_read(&source, archive, error);
    address_free(&address);
    return outcome < 0 ? error_prefix(error, "what the migrations define cannot be listed: ") : 0;
}

int schema_from_migrations(const struct scenario *scenario, const struct lent_server *server,
                           const char *server_version, struct archive *archive, struct error *error)
{
    struct own_commands *commands = NULL;
    struct command_end end = {0};
    bool came = false;
    if (own_commands_begin_empty(server, &commands, error) < 0)
        return -1;
    int outcome = own_commands_migrate(commands, scenario, &end, &came, error);
    if (outcome == 0)
        outcome = judge(&end, came, error);
    if (outcome == 0)
        outcome =
            read_definitions(server, server_version, scenario->restore.timeout_ms, archive, error);
    command_end_free(&end);
    own_commands_end(commands);
    return outcome;
}
