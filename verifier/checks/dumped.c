/* The backup against what is known of it from elsewhere: from the manifest of its dump, and from
 * the last backup that verified. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/set.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/kinds.h"
#include "checks/session.h"

enum { LISTED_DIFFERENCES = 100 };

/* --- the archive and the manifest ------------------------------------------------------------- */

static void count_archive(const struct archive *archive, struct table_counts *ret_tables)
{
    struct table_counts all = {0};
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        table_counts_add(&all, *table->schema ? table->schema : "public", table->name,
                         table->totals.rows, table->totals.rows);
    }
    table_counts_sort(&all);
    /* Data of one table may come in several pieces. */
    for (size_t i = 0; i < all.count; i++) {
        const struct table_count *piece = &all.items[i];
        struct table_count *last =
            ret_tables->count ? &ret_tables->items[ret_tables->count - 1] : NULL;
        if (last && strcmp(last->schema, piece->schema) == 0 &&
            strcmp(last->name, piece->name) == 0)
            last->rows += piece->rows;
        else
            table_counts_add(ret_tables, piece->schema, piece->name, piece->rows, piece->rows);
    }
    table_counts_free(&all);
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* The manifest is UTF-8, the archive's names are in the archive's encoding: of another one only
 * plain names can be told to be the same. */
static bool is_comparable(const struct archive *archive, const struct table_count *table)
{
    return (archive->encoding && strcmp(archive->encoding, "UTF8") == 0) ||
           (is_ascii(table->schema) && is_ascii(table->name));
}

/* Differences found, told one by one. */
struct differences {
    size_t count;
    char *first;
};

__attribute__((format(printf, 3, 4))) static void
differ(struct differences *differences, struct outcome *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *words = xvasprintf(format, arguments);
    va_end(arguments);
    if (differences->count++ < LISTED_DIFFERENCES)
        outcome_detail(outcome, "%s", words);
    if (!differences->first)
        differences->first = take(&words);
}

static void compare_rows(const struct archive *archive, const struct manifest *manifest,
                         struct differences *differences, struct outcome *outcome)
{
    cleanup(table_counts_free) struct table_counts archived = {0};
    count_archive(archive, &archived);
    for (size_t i = 0; i < manifest->tables.count; i++) {
        const struct table_count *expected = &manifest->tables.items[i];
        const struct table_count *found =
            table_counts_find(&archived, expected->schema, expected->name);
        int64_t rows = found ? found->rows : 0;
        if (expected->rows != NOT_COUNTED && rows != expected->rows &&
            is_comparable(archive, expected))
            differ(differences, outcome, "%s.%s: archive %s rows%s, manifest of its dump %s",
                   expected->schema, expected->name, counted(rows).text,
                   found ? "" : " (no such table)", counted(expected->rows).text);
    }
    for (size_t i = 0; i < archived.count; i++) {
        const struct table_count *found = &archived.items[i];
        if (!table_counts_find(&manifest->tables, found->schema, found->name) &&
            is_comparable(archive, found))
            differ(differences, outcome,
                   "%s.%s: archive %s rows, manifest of its dump: no such table", found->schema,
                   found->name, counted(found->rows).text);
    }
}

/* One of the two is NULL where there is none of that kind. */
static void compare_kind(const char *kind, const struct schema_total *dumped,
                         const struct schema_total *found, struct differences *differences,
                         struct outcome *outcome)
{
    static const struct schema_total none = {0};
    const struct schema_total *before = dumped ? dumped : &none, *now = found ? found : &none;
    if (before->count != now->count)
        differ(differences, outcome,
               "its table of contents has %" PRId64 " of the kind %s, manifest of its dump %" PRId64
               "%s",
               now->count, kind, before->count,
               now->count < before->count ? ": what was dumped is no longer in it" : "");
    else if (strcmp(before->sha256, now->sha256) != 0)
        differ(differences, outcome,
               "its table of contents has other objects of the kind %s than the manifest of its "
               "dump says, as many (%" PRId64 ")",
               kind, now->count);
}

/* Kind by kind: what is lost from a table of contents is not restored either, without a word. */
static void compare_schema(const struct archive *archive, const struct manifest *manifest,
                           struct differences *differences, struct outcome *outcome)
{
    cleanup(schema_totals_free) struct schema_totals found = {0};
    if (manifest->schema.count == 0) /* an older one */
        return;
    schema_totals_find(archive, &found);
    for (size_t i = 0; i < manifest->schema.count; i++) {
        const struct schema_total *dumped = &manifest->schema.items[i];
        compare_kind(dumped->kind, dumped, schema_totals_get(&found, dumped->kind), differences,
                     outcome);
    }
    for (size_t i = 0; i < found.count; i++)
        if (!schema_totals_get(&manifest->schema, found.items[i].kind))
            compare_kind(found.items[i].kind, NULL, &found.items[i], differences, outcome);
}

/* What is asked for by name may be a copy, under a name of its own. */
static bool is_about(const struct manifest *manifest, const struct backup_fact *backup)
{
    const char *slash = strrchr(backup->path, '/');
    return backup->given || strcmp(manifest->backup, slash ? slash + 1 : backup->path) == 0;
}

bool manifest_agrees(const struct subject *subject, struct outcome *outcome, struct buffer *words)
{
    const struct manifest *manifest = subject->manifest;
    const struct backup_fact *backup = &subject->facts->backup;
    struct differences differences = {0};
    if (!manifest)
        return true;
    const struct archive *file = archive_main(subject->archive);
    bool same_file =
        manifest->size_bytes == file->stored_bytes && strcmp(manifest->sha256, file->sha256) == 0;
    if (manifest->counted)
        compare_rows(subject->archive, manifest, &differences, outcome);
    compare_schema(file, manifest, &differences, outcome);
    if (!is_about(manifest, backup)) {
        buffer_printf(words,
                      "its manifest is about %s: was this backup exchanged with another one, of "
                      "another database perhaps? If you renamed it, delete its .manifest.json",
                      manifest->backup);
        return false;
    }
    if (!same_file) {
        buffer_printf(words,
                      "the file is not the one that dump wrote: %" PRId64
                      " bytes, sha256 %s, and its manifest says %" PRId64 " bytes, sha256 %s",
                      file->stored_bytes, file->sha256, manifest->size_bytes, manifest->sha256);
        outcome_detail(outcome, "if you replaced the file on purpose, delete its .manifest.json");
    }
    if (differences.count > 0)
        buffer_printf(words, "%s%s", words->length ? "; " : "", differences.first);
    if (differences.count > 1)
        buffer_printf(words, ", and %zu more difference%s", differences.count - 1,
                      differences.count == 2 ? "" : "s");
    free(differences.first);
    return same_file && differences.count == 0;
}

/* --- a table ---------------------------------------------------------------------------------- */

void restored_free(struct restored *restored)
{
    free(restored->schema);
    free(restored->name);
}

int restored_count(const struct subject *subject, const char *table, struct restored *ret_restored,
                   struct outcome *outcome)
{
    cleanup(free_pointer) char *quoted = NULL;
    cleanup(connection_closep) struct connection *connection =
        session_open_table(subject, table, &quoted, outcome);
    if (!connection)
        return -1;
    cleanup(free_pointer) char *literal = literal_quote(quoted);
    cleanup(free_pointer) char *sql =
        xasprintf("select nspname, relname, (select count(*) from %s), relkind in ('r', 'p') from "
                  "pg_class c join pg_namespace n "
                  "on n.oid = relnamespace where c.oid = %s::regclass::oid",
                  quoted, literal);
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result)
        return -1;
    *ret_restored = (struct restored){.schema = xstrdup(PQgetvalue(result, 0, 0)),
                                      .name = xstrdup(PQgetvalue(result, 0, 1)),
                                      .rows = strtoll(PQgetvalue(result, 0, 2), NULL, 10),
                                      .is_table = *PQgetvalue(result, 0, 3) == 't'};
    return 0;
}

void disagree(const struct expectation *expectation, const char *words, struct outcome *outcome)
{
    outcome_detail(outcome, "expected: %s", expectation->text);
    if (expectation->warn)
        outcome_warn(outcome, "%s", words);
    else
        outcome_fail(outcome, "%s", words);
}

static bool has_manifest(const struct subject *subject, struct outcome *outcome)
{
    const struct manifest *manifest = subject->manifest;
    if (subject->facts->manifest.state == MANIFEST_UNREADABLE)
        outcome_skip(outcome, "not looked at, because `backup is intact` did not pass");
    else if (!manifest)
        outcome_error(outcome,
                      "there is no manifest next to the backup, so nobody knows how many rows the "
                      "dump saw: make backups with `restore-verifier dump`, which writes one, or "
                      "remove the line");
    else if (!manifest->counted)
        outcome_error(outcome, "the dump did not count rows: make one with `counts: exact` under "
                               "`source`, or remove the line");
    else
        return true;
    return false;
}

void schema_same_as_dump(const struct subject *subject, struct outcome *outcome)
{
    const struct manifest *manifest = subject->manifest;
    struct differences differences = {0};
    int64_t count = 0;
    if (!has_manifest(subject, outcome))
        return;
    if (manifest->schema.count == 0) {
        outcome_error(outcome, "the manifest of the dump does not tell its objects: an older "
                               "version of this program made it; dump again");
        return;
    }
    compare_schema(archive_main(subject->archive), manifest, &differences, outcome);
    for (size_t i = 0; i < manifest->schema.count; i++)
        count += manifest->schema.items[i].count;
    if (differences.count > 0)
        outcome_fail(outcome, "%s", differences.first);
    else
        outcome_pass(outcome, "%s entries of the table of contents", counted(count).text);
}

void table_same_as_dump(const struct subject *subject, const void *parameter,
                        struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    cleanup(restored_free) struct restored restored = {0};
    if (!has_manifest(subject, outcome) ||
        restored_count(subject, expected->table, &restored, outcome) < 0)
        return;
    cleanup(free_pointer) char *name = xasprintf("%s: row_count", expected->table);
    outcome_value(outcome, name, "%" PRId64, restored.rows);
    const struct table_count *dumped =
        table_counts_find(&subject->manifest->tables, restored.schema, restored.name);
    if (!restored.is_table) {
        outcome_error(outcome,
                      "%s is no table, and a dump counts the rows of tables alone: expect a number "
                      "of rows, or remove the line",
                      expected->table);
        return;
    }
    if (dumped && dumped->rows_total == NOT_COUNTED) {
        outcome_error(outcome,
                      "the rows of %s were not counted when it was dumped: the dump said "
                      "why, or an extension made the table",
                      expected->table);
        return;
    }
    if (dumped && dumped->rows_total == restored.rows) {
        outcome_pass(outcome, "%" PRId64, restored.rows);
        return;
    }
    cleanup(free_pointer) char *words =
        dumped ? xasprintf("restored %s rows, and the dump counted %s", counted(restored.rows).text,
                           counted(dumped->rows_total).text)
               : xasprintf("restored %s rows, and the dump saw no such table",
                           counted(restored.rows).text);
    disagree(expected->expectation, words, outcome);
}

/* An error would keep the first backup from ever being verified. */
void warn_of_no_previous(const struct subject *subject, const char *now, const char *unknown,
                         struct outcome *outcome)
{
    const struct record *previous = subject->previous;
    const char *problem = subject->facts->previous.problem;
    cleanup(free_pointer) char *why =
        previous   ? xasprintf("%s not known from %s", unknown, previous->backup)
        : *problem ? xasprintf("no earlier backup is known to have verified: %s", problem)
                   : xstrdup("no earlier backup has verified");
    outcome_warn(outcome, "%s, and nothing to compare with: %s", now, why);
}

void change_judge(const struct subject *subject, const struct expectation *expectation,
                  const struct change *change, struct outcome *outcome)
{
    const struct record *previous = subject->previous;
    if (subject->facts->previous.failed) {
        outcome_from_error(outcome, &subject->facts->previous.error);
        return;
    }
    if (!change->has_before) {
        cleanup(free_pointer) char *now = xasprintf("%" PRId64 " %s", change->now, change->unit);
        cleanup(free_pointer) char *unknown = xasprintf("its %s are", change->unit);
        warn_of_no_previous(subject, now, unknown, outcome);
        return;
    }
    int64_t difference = change->now - change->before;
    long double percent = percent_of((long double)difference, (long double)change->before);
    cleanup(free_pointer) char *words =
        xasprintf("%+" PRId64 " %s (%+.1Lf%%): %" PRId64 ", and %" PRId64 " in %s", difference,
                  change->unit, percent, change->now, change->before, previous->backup);
    outcome_value(outcome, change->value_name, "%" PRId64, difference);
    if (change_holds(expectation, expectation->percent ? percent : (long double)difference))
        outcome_pass(outcome, "%s", words);
    else
        disagree(expectation, words, outcome);
}

void table_change(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    const struct record *previous = subject->previous;
    cleanup(restored_free) struct restored restored = {0};
    if (restored_count(subject, expected->table, &restored, outcome) < 0)
        return;
    const struct table_count *before =
        previous ? table_counts_find(&previous->tables, restored.schema, restored.name) : NULL;
    cleanup(free_pointer) char *name = xasprintf("%s: change for row_count", expected->table);
    bool has_before = before && before->rows_total != NOT_COUNTED;
    const struct change change = {.value_name = name,
                                  .unit = "rows",
                                  .now = restored.rows,
                                  .before = has_before ? before->rows_total : 0,
                                  .has_before = has_before};
    change_judge(subject, expected->expectation, &change, outcome);
}
