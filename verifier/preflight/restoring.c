/* What restores: PostgreSQL's programs. Does a throwaway server start here? */
#include "base/account.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/workdir.h"
#include "postgres/cluster.h"
#include "preflight/areas.h"

/* As `verify` starts it. */
static int start(const struct area *area, const struct workdir *work, const struct workdir *socket,
                 struct cluster **ret_cluster, struct connection **ret_connection,
                 struct error *error)
{
    struct cluster_options options = {.tools = area->tools,
                                      .directory = workdir_path(work),
                                      .socket_parent = workdir_path(socket),
                                      .side_by_side = 1,
                                      .jobs = 1,
                                      .deadline_ms = deadline_after(area->timeout_ms)};
    return server_account(&options.account, error) < 0
               ? -1
               : cluster_start(&options, ret_cluster, ret_connection, error);
}

static void look_at_server(struct area *area, const struct workdir *work,
                           const struct workdir *socket)
{
    struct error error;
    cleanup(cluster_stopp) struct cluster *cluster = NULL;
    cleanup(connection_closep) struct connection *connection = NULL;
    if (start(area, work, socket, &cluster, &connection, &error) < 0)
        finding_add(area, "throwaway server", NOT_READY, "%s", error.text);
    else
        finding_add(area, "throwaway server", READY, "PostgreSQL %s starts here",
                    area->tools->version);
}

static void remove_work(struct area *area, struct workdir *work)
{
    struct error error;
    if (workdir_remove(work, &error) < 0)
        finding_add(area, "work directory", READY_BUT, "%s", error.text);
}

static void look_in(struct area *area, const struct workdir *work)
{
    struct error error;
    struct account account;
    struct workdir *socket = NULL;
    if (server_account(&account, &error) < 0)
        return;
    cleanup(free_pointer) char *barrier = account_barrier(&account, workdir_path(work));
    if (barrier)
        return; /* which was told already */
    if (socket_work_create(workdir_path(work), &socket, &error) < 0)
        finding_add(area, "throwaway server", NOT_READY, "%s", error.text);
    else
        look_at_server(area, work, socket ? socket : work);
    remove_work(area, socket);
}

/* PGOPTIONS, PGHOSTADDR and the like are about other servers. */
static void look_at_throwaway(struct area *area)
{
    struct error ignored; /* that there is no work directory was told already */
    struct workdir *work = NULL;
    cleanup(strings_free) struct strings taken = {0};
    if (workdir_create(workdir_parent(), &work, &ignored) < 0)
        return;
    environment_take("PG", &taken);
    look_in(area, work);
    environment_give_back(&taken);
    remove_work(area, work);
}

/* --- programs --------------------------------------------------------------------------------- */

/* The scenario may ask for one version and no other. */
static int find_tools(const struct scenario *scenario, enum task task, int major,
                      struct tools **ret_tools, struct error *error)
{
    int wanted = scenario->restore.version;
    cleanup(tools_freep) struct tools *tools = NULL;
    if (tools_find(task, wanted ? wanted : major, &tools, error) < 0)
        return -1;
    if (wanted && task == TASK_RESTORE && tools->major != wanted) {
        cleanup(free_pointer) char *advice = tools_advice(task, wanted);
        return cannot_verify(error,
                             "PostgreSQL %d, which restore.version asks for, is not installed "
                             "here: %s",
                             wanted, advice);
    }
    *ret_tools = take(&tools);
    return 0;
}

void look_at_restoring(struct area *area)
{
    struct error error, none;
    const struct scenario *scenario = area->scenario;
    bool is_elsewhere = scenario->restore.server != NULL;
    enum task task = is_elsewhere ? TASK_CLIENT : TASK_RESTORE;
    const char *programs = is_elsewhere ? "pg_restore and psql" : "initdb, postgres and pg_restore";
    if (find_tools(scenario, task, area->learned.server_major, &area->tools, &error) == 0)
        finding_add(area, "restore tools", READY, "%s %s", programs, area->tools->version);
    else if (scenario->restore.version == 0 && tools_find_newest(task, &area->tools, &none) == 0)
        finding_add(area, "restore tools", READY_BUT, "%s; that one is tried, and may not take it",
                    error.text);
    else
        finding_add(area, "restore tools", NOT_READY, "%s", error.text);
    if (area->tools && !is_elsewhere)
        look_at_throwaway(area);
}
