#include "dump/describe.h"

#include <string.h>

#include "base/buffer.h"
#include "shelf/retention.h"

enum { LISTED_TABLES = 10, LIST_LIMIT_BYTES = 2000 };

int manifest_describe(struct snapshot *snapshot, const struct snapshot_question *question,
                      const char *host, const struct tools *tools, struct manifest *ret_manifest,
                      struct strings *notices, struct error *error)
{
    struct snapshot_contents contents = {0};
    if (snapshot_read(snapshot, question, &contents, notices, error) < 0)
        return -1;
    *ret_manifest = (struct manifest){
        .began = snapshot_time(snapshot),
        .program = xstrdup("restore-verifier " PROGRAM_VERSION),
        .pg_dump = xstrdup(tools->version),
        .host = xstrdup(host),
        .server = take(&contents.server_version),
        .encoding = take(&contents.encoding),
        .database_bytes = contents.database_bytes,
        .counted = contents.counted,
        .extensions = contents.extensions,
        .collations = contents.collations,
        .surroundings = contents.surroundings,
        .revisions = contents.revisions,
        .versions = contents.versions,
        .tables = contents.tables,
        .has_rows = contents.has_rows,
    };
    return 0;
}

int manifest_latest(struct shelf *shelf, const char *pattern, struct manifest *ret_manifest)
{
    struct retained_list list = {0};
    cleanup(strings_free) struct strings ignored = {0};
    struct error error;
    const struct backup_names names = backup_names_of(pattern);
    if (retained_list_read(shelf, &names, &list, &ignored, &error) < 0)
        return 1;
    int found = 1;
    for (size_t i = 0; i < list.count && found != 0; i++)
        found = manifest_select(shelf, list.items[i].name, list.items[i].size_bytes, NULL,
                                ret_manifest, &error);
    retained_list_free(&list);
    return found == 0 ? 0 : 1;
}

static void tell_lost(const struct manifest *now, const struct manifest *before,
                      struct strings *notices)
{
    cleanup(strings_free) struct strings lost = {0};
    manifest_lost_tables(before, now, &lost);
    if (lost.count == 0)
        return;
    struct buffer words;
    buffer_init(&words, LIST_LIMIT_BYTES);
    for (size_t i = 0; i < lost.count && i < LISTED_TABLES; i++)
        buffer_printf(&words, "%s%s", i ? ", " : "", lost.items[i]);
    if (lost.count > LISTED_TABLES)
        buffer_printf(&words, " and %zu more", lost.count - LISTED_TABLES);
    strings_addf(notices, "this backup lacks %zu table%s that %s had: %s; was that intended?",
                 lost.count, lost.count == 1 ? "" : "s", before->backup, words.data);
    buffer_free(&words);
}

void manifest_suspect(const struct manifest *now, const struct manifest *before,
                      struct strings *notices)
{
    if (now->tables.count == 0)
        strings_add(notices, "this backup is empty, the database has no tables: check that "
                             "source.database names the right one");
    else if (!now->has_rows && now->tables.count == 1)
        strings_add(notices, "this backup has no rows: its only table is empty");
    else if (!now->has_rows)
        strings_addf(notices, "this backup has no rows: all of its %zu tables are empty",
                     now->tables.count);
    if (before)
        tell_lost(now, before, notices);
}
