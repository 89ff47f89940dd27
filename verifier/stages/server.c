/* A server to restore into: a throwaway one, or one that the user names. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/account.h"
#include "base/clock.h"
#include "base/memory.h"
#include "postgres/guest.h"
#include "postgres/identity.h"
#include "postgres/rights.h"
#include "stages/run.h"

enum { START_TIMEOUT_MS = 120000, CONNECT_TIMEOUT_MS = 30000 };

/* The client programs: of the version that the archive asks for, or else the newest ones, if they
 * can read it. */
static int find_client(struct stages *stages, struct required_versions required,
                       struct error *error)
{
    struct error ignored;
    if (tools_find(TASK_CLIENT, required.server, &stages->client, error) == 0)
        return 0;
    cleanup(tools_freep) struct tools *newest = NULL;
    if (tools_find_newest(TASK_CLIENT, &newest, &ignored) < 0 || newest->major < required.reader)
        return -1;
    stages->client = take(&newest);
    return 0;
}

/* The programs of the version that the scenario asks for, and no other's: an upgrade is tried. */
static int find_wanted(struct stages *stages, int wanted, struct error *error)
{
    struct required_versions required = reading_required_versions(stages);
    cleanup(tools_freep) struct tools *tools = NULL;
    struct error ignored;
    if (tools_find(TASK_RESTORE, wanted, &tools, &ignored) < 0 || tools->major != wanted) {
        cleanup(free_pointer) char *advice = tools_advice(TASK_RESTORE, wanted);
        return cannot_verify(error,
                             "PostgreSQL %d, into which the backup is to be restored, is not "
                             "installed here: %s",
                             wanted, advice);
    }
    stages->tools = take(&tools);
    if (wanted < required.server)
        stages->facts->server.needed_major = required.server;
    return wanted < required.reader ? find_client(stages, required, error) : 0;
}

/* The programs of the version that the archive asks for, or else the newest ones there are: an
 * older server often takes it too. The error is about the former. */
static int find_tools(struct stages *stages, struct error *error)
{
    struct required_versions required = reading_required_versions(stages);
    struct error ignored;
    if (tools_find(TASK_RESTORE, required.server, &stages->tools, error) == 0)
        return 0; /* its client programs are beside it */
    if (tools_find_newest(TASK_RESTORE, &stages->tools, &ignored) < 0 ||
        find_client(stages, required, &ignored) < 0)
        return -1;
    stages->facts->server.needed_major = required.server;
    return 0;
}

static int start_throwaway(struct stages *stages, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    int wanted = stages->options->postgresql ? stages->options->postgresql
                                             : stages->scenario->restore.version;
    if ((wanted > 0 ? find_wanted(stages, wanted, error) : find_tools(stages, error)) < 0)
        return -1;
    struct cluster_options options = {.tools = stages->tools,
                                      .directory = stages->options->work,
                                      .socket_parent = stages->options->socket_work,
                                      .account = stages->account,
                                      .side_by_side = stages->options->side_by_side,
                                      .jobs = stages->jobs,
                                      .backup_bytes = stages->backup.size_bytes,
                                      .outlives_us = stages->options->keep,
                                      .no_cache = stages->options->no_cache,
                                      .deadline_ms = deadline_after(START_TIMEOUT_MS)};
    if (cluster_start(&options, &stages->cluster, &stages->maintenance, error) < 0)
        return -1;
    address_copy(cluster_address(stages->cluster), &stages->server);
    fact->pid = cluster_pid(stages->cluster);
    text_copy(fact->programs, sizeof(fact->programs), stages->tools->directory);
    text_copy(fact->origin, sizeof(fact->origin), cluster_origin(stages->cluster));
    text_copy(fact->where, sizeof(fact->where), "throwaway server");
    return connection_execute(stages->maintenance, error, OWN_NAMES_SQL);
}

/* Restoring costs what a server has, and a mistake there costs more. */
static int refuse_source(struct stages *stages, struct error *error)
{
    const char *url = stages->scenario->source.database;
    cleanup(address_free) struct address source = {0};
    struct error ignored; /* a source that cannot be read is for `dump` to complain about */
    if (!url || address_parse(url, &source, &ignored) < 0 ||
        !server_is_same(stages->maintenance, &stages->server, &source))
        return 0;
    cleanup(free_pointer) char *where = address_describe(&stages->server);
    return cannot_verify(error,
                         "the server to restore into, %s, is the source itself: nothing is "
                         "restored there; name another server, or leave restore.server out for a "
                         "throwaway one",
                         where);
}

/* What is restored runs with the rights of the user. */
static int refuse_superuser(struct stages *stages, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    cleanup(free_pointer) char *danger = NULL;
    const char *user = PQuser(connection_raw(stages->maintenance));
    if (rights_find(stages->maintenance, &danger, error) < 0)
        return -1;
    snprintf(fact->restored_as, sizeof(fact->restored_as),
             "%s, with whose rights on that server the SQL of the backup runs%s", user,
             danger ? ": a superuser's, so it can do there whatever the server's account can" : "");
    if (!danger || stages->scenario->restore.trust)
        return 0;
    cleanup(free_pointer) char *where = address_describe(&stages->server);
    return cannot_verify(
        error,
        "the user %s of the server to restore into, %s, %s, and the SQL of a backup runs there "
        "with "
        "that user's rights: it could run programs and change every database. Name a user that may "
        "only create databases (CREATE ROLE verifier LOGIN CREATEDB), leave the server out for a "
        "throwaway one, or say `trust: true` under `restore` if you trust the backup as you do "
        "that "
        "server",
        user, where, danger);
}

static int use_given(struct stages *stages, const char *url, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    if (address_parse(url, &stages->server, error) < 0)
        return error_prefix(error, "the server to restore into: ");
    if (connection_open(&stages->server, CONNECT_TIMEOUT_MS, &stages->maintenance, error) < 0 ||
        connection_execute(stages->maintenance, error, OWN_NAMES_SQL) < 0 ||
        refuse_source(stages, error) < 0)
        return -1;
    /* From a pass file that the restoring program, which runs as another user, could not read. */
    PGconn *raw = connection_raw(stages->maintenance);
    if (PQconnectionUsedPassword(raw) && !address_get(&stages->server, "password"))
        address_set(&stages->server, "password", PQpass(raw));
    cleanup(free_pointer) char *where = address_describe(&stages->server);
    text_copy(fact->where, sizeof(fact->where), where);
    int server = connection_server_version(stages->maintenance) / 10000;
    struct required_versions required = reading_required_versions(stages);
    if (server < required.server)
        fact->needed_major = required.server;
    if (refuse_superuser(stages, error) < 0)
        return -1;
    guest_sweep(stages->maintenance);
    return find_client(stages, required, error);
}

static int refuse_barrier(const struct stages *stages, struct error *error)
{
    if (!stages->barrier)
        return 0;
    cleanup(free_pointer) char *user = account_name(&stages->account);
    return cannot_verify(error,
                         "PostgreSQL does not run as root, and %s, as which it is run, may not "
                         "enter the directory %s, in which the work directory %s is: set TMPDIR to "
                         "a directory that everybody may enter, such as /var/tmp, or allow it with "
                         "chmod o+x",
                         user, stages->barrier, stages->options->work);
}

int server_start(struct stages *stages, struct error *error)
{
    if (refuse_barrier(stages, error) < 0)
        return -1;
    const char *url =
        stages->options->server ? stages->options->server : stages->scenario->restore.server;
    int started = url ? use_given(stages, url, error) : start_throwaway(stages, error);
    if (started < 0)
        return -1;
    text_copy(stages->facts->server.version, sizeof(stages->facts->server.version),
              PQparameterStatus(connection_raw(stages->maintenance), "server_version"));
    return 0;
}
