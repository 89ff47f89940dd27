/* The files that a restore is made of: the backup, or those of a set, one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/plain/plain.h"
#include "base/memory.h"
#include "stages/exclusion.h"
#include "stages/grantors.h"
#include "stages/platform.h"
#include "stages/requirements.h"
#include "stages/run.h"

/* Writes the list for pg_restore of what is not left out of a source, whose entries are those of
 * the archive from `first` on. */
static int write_list(const struct stages *stages, const struct exclusion *exclusion, size_t first,
                      struct restore_source *source, struct error *error)
{
    if (source->archive->entry_count == 0)
        return 0;
    const struct exclusion own = {.left_out = exclusion->left_out + first};
    source->list_path =
        xasprintf("%s/%s.list", stages->options->work, backup_part_name(source->part));
    if (exclusion_write_list(source->archive, &own, source->list_path, error) < 0)
        return -1;
    /* Readable for pg_restore whatever the umask. */
    if (chmod(source->list_path, 0644) < 0)
        return cannot_verify(error, "cannot make %s readable: %s", source->list_path,
                             strerror(errno));
    return 0;
}

/* Whatever lies elsewhere is a copy of our own. */
static bool is_copy(const struct restore_source *source)
{
    return strcmp(source->path, source->copy_path) == 0;
}

bool sources_are_of_cluster(const struct stages *stages)
{
    return stages->cluster && stages->archive.plain && stages->archive.plain->cluster;
}

bool sources_are_in_place(const struct stages *stages)
{
    for (size_t i = 0; i < stages->source_count; i++)
        if (!is_copy(&stages->sources[i]))
            return true;
    return false;
}

static bool defines(enum backup_part part)
{
    return part == PART_PLATFORM || part == PART_SCHEMA || part == PART_PRE_DATA;
}

int sources_exclude(struct stages *stages, const struct exclusion *exclusion, struct error *error)
{
    size_t first = 0;
    for (size_t i = 0; i < stages->source_count; i++) {
        struct restore_source *source = &stages->sources[i];
        if (exclusion->count > 0 && write_list(stages, exclusion, first, source, error) < 0)
            return -1;
        if (exclusion->extensions.count > 0 && defines(source->part) && is_copy(source) &&
            platform_leave_out(source->copy_path, &exclusion->extensions, error) < 0)
            return -1;
        first += stages->sources[i].archive->entry_count;
    }
    return 0;
}

/* Data for a schema that has its triggers and foreign keys already: neither is asked while they are
 * loaded, for which a superuser is needed. */
static bool loads_into_schema(const struct stages *stages, const struct restore_source *source)
{
    return stages->cluster && source->part == PART_DATA && fills_schema(&stages->archive);
}

/* Restores one file into the database. */
static int source_restore(const struct stages *stages, const struct restore_source *source,
                          const struct address *database, int jobs, int64_t deadline_ms,
                          struct restore_result *ret_result, struct error *error)
{
    /* Absolute, since the restoring program starts elsewhere. */
    cleanup(free_pointer) char *path = realpath(source->path, NULL);
    if (!path)
        return cannot_verify(error, "%s is gone", source->path);
    /* A directory is not copied: where its files are for us alone, pg_restore runs as ourselves. */
    bool readable = stages->account.uid == geteuid() || !source->always_copy || is_copy(source);
    bool alone = source->format == ARCHIVE_TAR || source->format == ARCHIVE_PLAIN ||
                 source->archive->version_minor < 8; /* before PostgreSQL 8.0 */
    struct address own;
    struct restore_options options = {
        .tools = stages_client(stages),
        .account = readable ? &stages->account : NULL,
        .database = &own,
        .path = path,
        .plain = source->format == ARCHIVE_PLAIN,
        .list_path = source->list_path,
        .has_public_schema = creates_public_schema(source->archive),
        .throwaway = stages->cluster != NULL,
        .fills = stages->cluster ? stages->options->work : NULL,
        .jobs = alone ? 1 : jobs,
        .deadline_ms = deadline_ms,
    };
    address_copy(database, &own);
    if (loads_into_schema(stages, source))
        address_set(&own, "options", "-c session_replication_role=replica");
    else if ((backup_part_is_of_server(source->part) || sources_are_of_cluster(stages)) &&
             connection_server_version(stages->maintenance) >= 150000)
        address_set(&own, "options", "-c allow_in_place_tablespaces=on");
    int outcome = restore_run(&options, ret_result, error);
    address_free(&own);
    return outcome;
}

/* Restores one file after the other. psql has stopped at an error, behind which nothing fits any
 * more; pg_restore has gone on, and so do we. */
static int restore_those(const struct stages *stages, bool of_server,
                         const struct address *database, int jobs, int64_t deadline_ms,
                         struct restore_result *ret_result, struct error *error)
{
    struct restore_result all = {0};
    bool stopped = false;
    for (size_t i = 0; i < stages->source_count && !stopped; i++) {
        const struct restore_source *source = &stages->sources[i];
        struct restore_result one = {0};
        if (backup_part_is_of_server(source->part) != of_server)
            continue;
        if (source_restore(stages, source, database, jobs, deadline_ms, &one, error) < 0) {
            restore_result_free(&all);
            return -1;
        }
        stopped = source->format == ARCHIVE_PLAIN && !one.clean;
        restore_result_join(&all, &one);
    }
    *ret_result = all;
    return 0;
}

int sources_restore(const struct stages *stages, const struct address *database, int jobs,
                    int64_t deadline_ms, struct restore_result *ret_result, struct error *error)
{
    return restore_those(stages, false, database, jobs, deadline_ms, ret_result, error);
}

static int fit_server_part(const struct restore_source *source, struct error *error)
{
    if (source->format != ARCHIVE_PLAIN || !is_copy(source))
        return 0;
    return grantors_leave_out(source->copy_path, error) < 0 ||
                   tablespaces_bring_here(source->copy_path, error) < 0
               ? -1
               : 0;
}

int sources_restore_server(struct stages *stages, int64_t deadline_ms, struct error *error)
{
    for (size_t i = 0; i < stages->source_count; i++)
        if (backup_part_is_of_server(stages->sources[i].part) &&
            fit_server_part(&stages->sources[i], error) < 0)
            return -1;
    return restore_those(stages, true, &stages->server, 1, deadline_ms, &stages->of_server, error);
}
