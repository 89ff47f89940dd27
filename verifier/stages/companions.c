/* What lies beside the backup, or is to lie there: the manifest of its dump, the record of its
 * verification, and the record of the backup before it. */
#include <stdlib.h>
#include <string.h>

#include "archive/gaps.h"
#include "archive/set.h"
#include "postgres/reader.h"
#include "postgres/session_settings.h"
#include "shelf/location.h"
#include "shelf/retention.h"
#include "stages/exclusion.h"
#include "stages/run.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

/* --- the manifest ----------------------------------------------------------------------------- */

/* Of the role that the scenario dumps as, which is the one that is known to come there. */
static void find_source_settings(struct stages *stages)
{
    struct address source = {0};
    struct error ignored;
    const char *url = stages->scenario->source.database;
    bool told = url && address_parse(url, &source, &ignored) == 0;
    session_settings_of(&stages->manifest.surroundings, told ? address_get(&source, "user") : NULL,
                        &stages->source_settings);
    if (told)
        address_free(&source);
}

void manifest_stage(struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    struct manifest_fact *fact = &stages->facts->manifest;
    int outcome = manifest_select(
        stages->shelf, stages->backup.name,
        archive->complete ? archive_main(archive)->stored_bytes : stages->backup.size_bytes,
        archive->complete ? archive_main(archive)->sha256 : NULL, &stages->manifest, &fact->error);
    fact->state = outcome == 0 ? MANIFEST_READ : outcome > 0 ? MANIFEST_NONE : MANIFEST_UNREADABLE;
    if (outcome == 0)
        find_source_settings(stages);
}

const struct manifest *stages_manifest(const struct stages *stages)
{
    return stages->facts->manifest.state == MANIFEST_READ ? &stages->manifest : NULL;
}

/* --- the record of the last backup that verified ---------------------------------------------- */

static bool asks_for_record(const struct expectation *expectation)
{
    return expectation->change && !expectation_asks_history(expectation);
}

static bool asks_for_previous(const struct scenario *scenario)
{
    if (scenario->backups.all_databases) /* one that is no longer there is told of */
        return true;
    for (size_t i = 0; i < scenario->schema.count; i++)
        if (scenario->schema.items[i].reference == SCHEMA_AS_LAST_VERIFIED)
            return true;
    for (size_t i = 0; i < scenario->alembic_count; i++)
        if (scenario->alembic[i].version == VERSION_SAME_AS_LAST_VERIFIED)
            return true;
    for (size_t i = 0; i < scenario->migrations_count; i++)
        if (scenario->migrations[i].version == VERSION_SAME_AS_LAST_VERIFIED)
            return true;
    for (size_t i = 0; i < scenario->table_count; i++)
        for (size_t j = 0; j < scenario->tables[i].count; j++)
            if (asks_for_record(&scenario->tables[i].expectations[j]))
                return true;
    for (size_t i = 0; i < scenario->objects.check_count; i++)
        if (asks_for_record(&scenario->objects.checks[i]))
            return true;
    return false;
}

/* A table that has no rows here, or no place, may have had them in the last backup that verified.
 */
static bool is_in_doubt(const struct stages *stages)
{
    const struct scenario *scenario = stages->scenario;
    for (size_t i = 0; i < scenario->table_count; i++)
        if (!archive_has_relation(&stages->archive, scenario->tables[i].table))
            return true;
    cleanup(gaps_free) struct gaps gaps;
    gaps_find(&stages->archive, &gaps);
    return gaps.table_count > 0;
}

static bool is_earlier(const struct retained *other, const struct stages *stages)
{
    const struct backup_file *backup = &stages->backup;
    time_t time = backup->has_name_date ? backup->name_date.end - 1 : stages->facts->backup.time;
    return other->time < time;
}

/* A backup whose record cannot be used has not verified, as far as anyone knows. */
static bool is_previous(struct stages *stages, struct shelf *shelf, const struct retained *backup)
{
    struct previous_fact *fact = &stages->facts->previous;
    struct error error;
    if (!is_earlier(backup, stages))
        return false;
    int outcome =
        retained_record(shelf, backup, stages->scenario->name, stages->scenario->backups.database,
                        stages->options->reports, &stages->previous, &error);
    if (outcome < 0 && !*fact->problem) {
        cleanup(free_pointer) char *words =
            xasprintf("the record of %s: %s", backup->name, error.text);
        text_copy(fact->problem, sizeof(fact->problem), words);
    }
    return outcome == 0;
}

static int find_previous(struct stages *stages, struct error *error)
{
    const struct scenario *scenario = stages->scenario;
    struct retained_list list = {0};
    cleanup(strings_free) struct strings ignored = {0};
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (location_open(scenario, &shelf, error) < 0 ||
        retained_list_read(shelf, &scenario->backups.names, &list, &ignored, error) < 0)
        return error_prefix(error, "the earlier backups cannot be listed: ");
    for (size_t i = 0; i < list.count && !stages->has_previous; i++)
        stages->has_previous = is_previous(stages, shelf, &list.items[i]);
    retained_list_free(&list);
    return 0;
}

/* A backup that is given by name needs no others: none to compare it with is no error. */
void previous_stage(struct stages *stages)
{
    struct previous_fact *fact = &stages->facts->previous;
    bool needed = asks_for_previous(stages->scenario);
    if ((!needed && !is_in_doubt(stages)) || find_previous(stages, &fact->error) == 0)
        return;
    fact->failed = needed && !stages->facts->backup.given;
    text_copy(fact->problem, sizeof(fact->problem), fact->error.text);
}

const struct record *stages_previous(const struct stages *stages)
{
    return stages->has_previous ? &stages->previous : NULL;
}

/* --- the record of this one ------------------------------------------------------------------- */

/* The restored tables with the rows that the archive holds, since both were found to be the same.
 */
static int restored_tables(struct stages *stages, struct table_counts *ret_tables,
                           struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    struct table_counts tables = {0};
    const struct archive *archive = stages_archive(stages);
    if (reader_open(&stages->database, READER_TABLES, CONNECT_TIMEOUT_MS, &connection, error) < 0 ||
        table_counts_list(connection, &tables, error) < 0)
        return -1;
    for (size_t i = 0; i < tables.count; i++)
        if (!tables.items[i].is_left_out)
            tables.items[i].rows = 0;
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *archived = &archive->tables[i];
        struct table_count *table = table_counts_find(
            &tables, *archived->schema ? archived->schema : "public", archived->name);
        if (table && table->rows != NOT_COUNTED &&
            __builtin_add_overflow(table->rows, archived->totals.rows, &table->rows))
            table->rows = NOT_COUNTED;
    }
    int outcome = table_counts_total(connection, &tables, error);
    if (outcome == 0)
        *ret_tables = tables;
    else
        table_counts_free(&tables);
    return outcome;
}

static int record_versions(struct stages *stages, struct version_states *ret_states,
                           struct error *error)
{
    size_t count = 0;
    cleanup(free_pointer) struct version_table *tables =
        scenario_version_tables(stages->scenario, &count);
    cleanup(connection_closep) struct connection *connection = NULL;
    if (count == 0 || stages->facts->databases.count > 0)
        return 0;
    if (reader_open(&stages->database, READER_RELATIONS, CONNECT_TIMEOUT_MS, &connection, error) <
        0)
        return -1;
    return version_tables_read(connection, tables, count, ret_states, error);
}

/* What was measured of a store, under the names that `change for` looks for. */
static void record_objects(const struct listed_store *store, bool of_copy, struct record *record)
{
    static const enum metric metrics[] = {METRIC_OBJECT_COUNT, METRIC_TOTAL_SIZE};
    for (size_t i = 0; i < store->asked.count && !store->failed; i++)
        for (size_t j = 0; j < ARRAY_LENGTH(metrics); j++) {
            const char *prefix = store->asked.items[i];
            struct expectation measured = {.metric = metrics[j],
                                           .of_copy = of_copy,
                                           .prefix = *prefix ? store->asked.items[i] : NULL};
            cleanup(free_pointer) char *name = metric_name(&measured);
            record_metric_add(record, name,
                              metrics[j] == METRIC_OBJECT_COUNT ? store->measured[i].count
                                                                : store->measured[i].size_bytes);
        }
}

/* What changed since the checks of objects last passed is still to be told tomorrow: the old
 * numbers stay. */
static void keep_objects(const struct stages *stages, struct record *record)
{
    for (size_t i = 0; stages->has_previous && i < stages->previous.object_count; i++)
        record_metric_add(record, stages->previous.objects[i].name,
                          stages->previous.objects[i].value);
}

static int write_record(struct stages *stages, const struct checks_told *told,
                        const struct record_places *places, struct error *error)
{
    const struct facts *facts = stages->facts;
    struct record record = {.backup = xstrdup(stages->backup.name),
                            .verified = facts->began,
                            .size_bytes = stages->backup.size_bytes,
                            .modified = stages->backup.modified,
                            .program = xstrdup("restore-verifier " PROGRAM_VERSION),
                            .server = xstrdup(facts->server.version),
                            .checks = told->passed,
                            .warnings = told->warnings,
                            .object_failures = told->object_failures};
    if (stages->scenario->backups.database)
        record.database = xstrdup(stages->scenario->backups.database);
    for (size_t i = 0; i < facts->databases.count; i++)
        strings_add(&record.databases, facts->databases.names[i]);
    memcpy(record.sha256, archive_main(&stages->archive)->sha256, sizeof(record.sha256));
    if (told->object_failures > 0) {
        keep_objects(stages, &record);
    } else {
        record_objects(&stages->objects.bucket, false, &record);
        record_objects(&stages->objects.copy, true, &record);
    }
    schema_totals_find(&stages->archive, &record.schema);
    definitions_find(stages_archive(stages), &record.definitions);
    cleanup(free_pointer) char *path = NULL;
    /* The tables of several databases may have the same names, and nobody compares them. */
    int outcome = facts->databases.count > 0 ? 0 : restored_tables(stages, &record.tables, error);
    if (outcome == 0)
        outcome = record_versions(stages, &record.versions, error);
    if (outcome == 0)
        outcome = record_write(&record, places, &path, error);
    if (outcome == 0)
        text_copy(stages->facts->record.path, sizeof(stages->facts->record.path), path);
    record_free(&record);
    return outcome;
}

/* One that was left when the objects were well says more than what we could write. */
static bool is_recorded(const struct stages *stages, const struct record_places *places)
{
    const struct backup_file *backup = &stages->backup;
    const struct backup_state state = {
        .name = backup->name, .size_bytes = backup->size_bytes, .modified = backup->modified};
    cleanup(record_free) struct record record = {0};
    struct error ignored;
    return record_read(places, &state, &record, &ignored) == 0 &&
           strcmp(record.sha256, stages->facts->backup.sha256) == 0;
}

void stages_record(struct stages *stages, enum proof proof, const struct checks_told *told)
{
    struct record_fact *fact = &stages->facts->record;
    struct record_places places;
    struct error error;
    int outcome = 0;
    /* A record is for `prune` and `change for`, which know backups by the scenario's pattern:
     * beside any other file that --backup names, nothing is left. */
    if (stages->options->no_record || proof == PROOF_NONE || !stages->backup.path ||
        !stages->backup.has_name_date)
        return;
    if (shelf_directory(stages->shelf) && backup_still_there(&stages->backup, &error) < 0) {
        text_copy(fact->problem, sizeof(fact->problem), error.text);
        return;
    }
    record_places_of(stages->shelf, stages->backup.name, stages->scenario->name,
                     stages->scenario->backups.database, stages->options->reports, &places);
    if (proof == PROOF_VERIFIED && told->object_failures > 0 && is_recorded(stages, &places))
        outcome = 0;
    else if (proof == PROOF_VERIFIED)
        outcome = write_record(stages, told, &places, &error);
    else
        outcome = record_remove(&places, &error);
    if (outcome < 0)
        text_copy(fact->problem, sizeof(fact->problem), error.text);
    record_places_free(&places);
}
