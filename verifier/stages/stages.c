#include "stages/stages.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/processors.h"
#include "postgres/guest.h"
#include "shelf/location.h"
#include "stages/run.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

const struct archive *stages_archive(const struct stages *stages)
{
    return stages->has_view ? &stages->view : &stages->archive;
}

const struct address *stages_database(const struct stages *stages)
{
    return stages->has_database ? &stages->database : NULL;
}

int stages_lend(const struct stages *stages, struct lent_server *ret_server, struct error *error)
{
    if (!stages->cluster || !stages->has_database)
        return cannot_verify(error,
                             "a migration is rehearsed on a throwaway server only: leave out the "
                             "server of `restore`");
    *ret_server = (struct lent_server){.maintenance = stages->maintenance,
                                       .server = &stages->server,
                                       .database = &stages->database,
                                       .log = cluster_log(stages->cluster),
                                       .encoding = stages_archive(stages)->encoding,
                                       .settings = &stages->source_settings};
    return 0;
}

static void record_notices(const struct strings *notices, struct backup_fact *fact)
{
    struct buffer text;
    buffer_init(&text, sizeof(fact->notices) - 1);
    for (size_t i = 0; i < notices->count; i++)
        buffer_printf(&text, "%s%s", text.length ? "\n" : "", notices->items[i]);
    text_copy(fact->notices, sizeof(fact->notices), text.data);
    buffer_free(&text);
}

static int find_given(struct stages *stages, struct error *error)
{
    const struct scenario *scenario = stages->scenario;
    cleanup(free_pointer) char *name = NULL;
    if (location_open_file(scenario, stages->options->backup, &stages->shelf, &name, error) < 0)
        return -1;
    return backup_stat(stages->shelf, name, &scenario->backups.names, &stages->backup, error);
}

static int open_shelf(struct stages *stages, struct error *error)
{
    const struct scenario *scenario = stages->scenario;
    if (!stages->options->instead)
        return location_open(scenario, &stages->shelf, error);
    stages->shelf = shelf_of_directory(stages->options->instead);
    if (scenario->backups.time != DATED_BY_NAME)
        shelf_ignore_dates(stages->shelf);
    return 0;
}

static int find_latest(struct stages *stages, struct strings *notices, struct error *error)
{
    const struct scenario *scenario = stages->scenario;
    if (open_shelf(stages, error) < 0)
        return -1;
    return backup_find(stages->shelf, &scenario->backups.names, &stages->backup, notices, error);
}

static int find(struct stages *stages, struct error *error)
{
    struct backup_fact *fact = &stages->facts->backup;
    struct strings notices = {0};
    fact->given = stages->options->backup != NULL;
    int found =
        stages->options->backup ? find_given(stages, error) : find_latest(stages, &notices, error);
    record_notices(&notices, fact);
    strings_free(&notices);
    if (found < 0)
        return -1;
    text_copy(fact->path, sizeof(fact->path), stages->backup.path);
    fact->size_bytes = stages->backup.size_bytes;
    fact->modified = stages->backup.modified;
    return server_account(&stages->account, error);
}

static int run_stage(struct stages *stages, enum stage stage,
                     int (*work)(struct stages *, struct error *))
{
    struct error error;
    stage_begin(stages->facts, stage);
    return stage_end(stages->facts, stage, work(stages, &error), &error);
}

/* What is restored from where it lies may be replaced under the restoring program: then nothing is
 * known of either. */
static void restore_whole(struct stages *stages)
{
    struct error error;
    bool in_place = sources_are_in_place(stages);
    run_stage(stages, STAGE_RESTORE, restore_stage);
    if (!in_place || backup_still_there(&stages->backup, &error) == 0)
        return;
    stage_fail(stages->facts, STAGE_READ, &error);
    stages->facts->stages[STAGE_RESTORE].state = STAGE_NOT_REACHED;
    stages->has_database = false;
}

static void read_and_restore(struct stages *stages)
{
    bool wanted = !stages->options->no_restore;
    int started = wanted ? run_stage(stages, STAGE_START, server_start) : -1;
    int read = reading_finish(stages);
    previous_stage(stages);
    if (started == 0 && stages->is_restorable && (read == 0 || stages->options->always_restore))
        restore_whole(stages);
}

struct stages *stages_run(const struct scenario *scenario, const struct stages_options *options,
                          struct facts *facts)
{
    struct stages *stages = xcalloc(1, sizeof(*stages));
    stages->scenario = scenario;
    stages->options = options;
    stages->facts = facts;
    stages->jobs = scenario->restore.jobs ? scenario->restore.jobs : processors();
    /* PGOPTIONS, PGHOSTADDR and the like are about other servers than one that we make. */
    if (!options->server && !scenario->restore.server)
        environment_forget("PG");
    int found = run_stage(stages, STAGE_FIND, find);
    if (found == 0)
        reading_start(stages);
    /* Not before reading_start, which is somebody else for a moment: with all its threads. */
    listing_start(stages);
    if (found == 0)
        read_and_restore(stages);
    listing_finish(stages);
    return stages;
}

static void stages_free(struct stages *stages)
{
    free(stages->barrier);
    connection_close(stages->maintenance);
    address_free(&stages->server);
    address_free(&stages->database);
    archive_view_free(&stages->view);
    archive_free(&stages->archive);
    manifest_free(&stages->manifest);
    strings_free(&stages->source_settings);
    record_free(&stages->previous);
    listed_objects_free(&stages->objects);
    backup_file_free(&stages->backup);
    shelf_free(stages->shelf);
    tools_free(stages->tools);
    tools_free(stages->client);
    free(stages->database_name);
    for (size_t i = 0; i < stages->source_count; i++) {
        free(stages->sources[i].copy_path);
        free(stages->sources[i].path);
        free(stages->sources[i].list_path);
    }
    free(stages->sources);
    restore_result_free(&stages->of_server);
    free(stages);
}

static int drop_guest(struct stages *stages, struct error *error)
{
    if (stages->cluster || !*stages->facts->server.guest)
        return 0;
    return guest_drop(stages->maintenance, stages->facts->server.guest, error);
}

static int stop(struct stages *stages, struct error *error)
{
    if (stages->options->keep && stages->has_database) {
        if (!stages->cluster)
            return guest_keep(stages->maintenance, stages->facts->server.guest, error);
        cluster_abandon(stages->cluster);
        return 0;
    }
    int dropped = drop_guest(stages, error);
    if (dropped == 0)
        stages->facts->server.guest[0] = '\0';
    cluster_stop(stages->cluster);
    stages->facts->server.pid = 0;
    return dropped;
}

void stages_stop(struct stages *stages)
{
    run_stage(stages, STAGE_STOP, stop);
    stages_free(stages);
}

int stages_clean_up(const struct scenario *scenario, const struct stages_options *options,
                    const struct facts *facts, struct error *error)
{
    const char *url = options->server ? options->server : scenario->restore.server;
    if (!url || !*facts->server.guest)
        return 0;
    struct address address = {0};
    cleanup(connection_closep) struct connection *connection = NULL;
    int dropped = address_parse(url, &address, error);
    if (dropped == 0)
        dropped = connection_open(&address, CONNECT_TIMEOUT_MS, &connection, error);
    if (dropped == 0)
        dropped = guest_drop(connection, facts->server.guest, error);
    address_free(&address);
    return dropped;
}
