/* Every table has its rows: the restored database against the archive, table by table, expecting
 * nothing from anyone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/gaps.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/absent.h"
#include "checks/foreign_keys.h"
#include "checks/kinds.h"
#include "checks/numbering.h"
#include "checks/partitions.h"
#include "checks/sequences.h"
#include "checks/session.h"
#include "stages/exclusion.h"
#include "stages/requirements.h"

enum { LISTED_DIFFERENCES = 100 };

/* A table, as the archive and as the restored database have it. */
struct pair {
    char *schema;
    char *name;
    char *quoted; /* both, as SQL needs them; NULL: not in the database */
    bool in_archive;
    bool of_extension; /* its extension filled it: it may hold more than the archive */
    bool through_root; /* its rows are counted with those of all its partitions */
    bool by_root;      /* a partition whose rows are counted so */
    bool partitioned;  /* its rows are its partitions' */
    bool unlogged;
    int64_t archived;
    int64_t restored;
};

struct pairs {
    struct pair *items;
    size_t count;
};

static void pairs_free(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].schema);
        free(pairs->items[i].name);
        free(pairs->items[i].quoted);
    }
    free(pairs->items);
}

static int pair_compare(const void *left, const void *right)
{
    const struct pair *one = left;
    const struct pair *other = right;
    int schemas = strcmp(one->schema, other->schema);
    return schemas ? schemas : strcmp(one->name, other->name);
}

static struct pair *pairs_find(const struct pairs *pairs, const char *schema, const char *name)
{
    struct pair wanted = {.schema = (char *)(uintptr_t)schema, .name = (char *)(uintptr_t)name};
    if (pairs->count == 0) /* bsearch takes no NULL */
        return NULL;
    return bsearch(&wanted, pairs->items, pairs->count, sizeof(wanted), pair_compare);
}

static struct pair *pairs_add(struct pairs *pairs, const char *schema, const char *name)
{
    pairs->items = xreallocarray(pairs->items, pairs->count + 1, sizeof(*pairs->items));
    struct pair *pair = &pairs->items[pairs->count++];
    *pair = (struct pair){.schema = xstrdup(schema), .name = xstrdup(name)};
    return pair;
}

/* --- what the archive holds ------------------------------------------------------------------- */

static void expect_table(struct pairs *pairs, const char *schema, const char *name, int64_t rows)
{
    struct pair *pair = pairs_add(pairs, *schema ? schema : "public", name);
    pair->in_archive = true;
    pair->archived = rows;
}

/* Adds up what belongs to one table: its definition, and the pieces of its rows. */
static void merge_same(struct pairs *pairs)
{
    if (pairs->count == 0)
        return;
    qsort(pairs->items, pairs->count, sizeof(*pairs->items), pair_compare);
    size_t kept = 1;
    for (size_t i = 1; i < pairs->count; i++) {
        struct pair *last = &pairs->items[kept - 1];
        if (pair_compare(last, &pairs->items[i]) == 0) {
            last->archived += pairs->items[i].archived;
            free(pairs->items[i].schema);
            free(pairs->items[i].name);
        } else {
            pairs->items[kept++] = pairs->items[i];
        }
    }
    pairs->count = kept;
}

/* Tables that the archive creates have at least no rows; tables whose rows it holds have those.
 * What the scenario excludes is not expected. */
static void expect_archive(const struct subject *subject, struct pairs *pairs)
{
    const struct archive *archive = subject->archive;
    struct exclusion exclusion;
    exclusion_find(archive, &subject->scenario->restore.exclude, &exclusion);
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (strcmp(entry->description, "TABLE") == 0 && !exclusion.left_out[i])
            expect_table(pairs, entry->schema, entry->tag, 0);
    }
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        if (!exclusion_has_table(archive, &exclusion, table))
            expect_table(pairs, table->target_schema, table->target_name, table->totals.rows);
    }
    exclusion_free(&exclusion);
    merge_same(pairs);
}

/* --- what the database holds ------------------------------------------------------------------ */

/* Ordinary and partitioned tables, but for the system's own and temporary ones. */
static const char tables_sql[] =
    "select nspname, relname, format('%I.%I', nspname, relname), "
    "exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid "
    "and deptype = 'e'), " PARTITION_ROOT_SQL ", relkind = 'p', relpersistence = 'u' "
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where relkind in ('r', 'p') and relpersistence <> 't' "
    "and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_toast' "
    "order by 1";

/* What a partition of such a tree holds by itself lands in the same tree. */
static void root_take(struct pair *root, struct pair *partition)
{
    root->archived += partition->archived;
    partition->archived = 0;
}

static int find_restored(struct connection *connection, const struct archive *archive,
                         struct pairs *pairs, struct outcome *outcome)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    if (connection_query(connection, tables_sql, NULL, &result, NULL, &error) < 0) {
        outcome_error(outcome, "the tables of the restored database cannot be listed: %s",
                      error.text);
        return -1;
    }
    size_t expected = pairs->count;
    for (int i = 0; i < PQntuples(result); i++) {
        struct pairs known = {.items = pairs->items, .count = expected};
        const char *schema = PQgetvalue(result, i, 0);
        const char *name = PQgetvalue(result, i, 1);
        const char *root_schema = PQgetvalue(result, i, 4);
        const char *root_name = PQgetvalue(result, i, 5);
        struct pair *pair = pairs_find(&known, schema, name);
        bool of_extension = strcmp(PQgetvalue(result, i, 3), "t") == 0;
        if (!pair && of_extension)
            continue; /* it came with its extension, and is no backup's business */
        if (!pair)
            pair = pairs_add(pairs, schema, name);
        known.items = pairs->items;
        struct pair *root = pairs_find(&known, root_schema, root_name);
        pair->quoted = xstrdup(PQgetvalue(result, i, 2));
        pair->of_extension = of_extension;
        pair->partitioned = *PQgetvalue(result, i, 6) == 't';
        pair->unlogged = *PQgetvalue(result, i, 7) == 't';
        pair->through_root = loads_through_root(archive, schema, name);
        pair->by_root = loads_through_root(archive, root_schema, root_name);
        if (pair->by_root && root && pair != root)
            root_take(root, pair);
    }
    return 0;
}

/* As a rule only the table's own rows: those of its children or partitions are theirs. */
static int count_rows(struct connection *connection, struct pair *pair, struct outcome *outcome)
{
    if (pair->by_root)
        return 0;
    cleanup(free_pointer) char *sql =
        xasprintf("select count(*) from %s %s", pair->through_root ? "" : "only", pair->quoted);
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result) {
        outcome_detail(outcome, "while counting %s.%s", pair->schema, pair->name);
        return -1;
    }
    pair->restored = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    struct error error;
    if (session_next(connection, &error) == 0)
        return 0;
    outcome_from_error(outcome, &error);
    return -1;
}

/* --- the comparison --------------------------------------------------------------------------- */

static bool agrees(const struct pair *pair)
{
    if (!pair->in_archive || !pair->quoted)
        return false;
    if (pair->by_root)
        return pair->archived == 0;
    return pair->of_extension ? pair->restored >= pair->archived : pair->restored == pair->archived;
}

/* What a table has not, or too much; freed by the caller. */
static char *difference_words(const struct pair *pair)
{
    const char *schema = pair->schema, *name = pair->name;
    int64_t more = pair->restored - pair->archived;
    const struct count_text rows = counted(more < 0 ? -more : more);
    bool one = more == 1 || more == -1;
    if (!pair->quoted)
        return xasprintf("%s.%s is missing, with its %s row%s", schema, name,
                         counted(pair->archived).text, pair->archived == 1 ? "" : "s");
    if (!pair->in_archive)
        return xasprintf("%s.%s is not in the backup, and came back with %s row%s", schema, name,
                         counted(pair->restored).text, pair->restored == 1 ? "" : "s");
    if (more < 0)
        return xasprintf("%s row%s missing from %s.%s: %s of %s came back", rows.text,
                         one ? " is" : "s are", schema, name,
                         pair->restored == 0 ? "none" : counted(pair->restored).text,
                         counted(pair->archived).text);
    return xasprintf("%s row%s too many in %s.%s: the backup has %s, and %s came back", rows.text,
                     one ? " is" : "s are", schema, name, counted(pair->archived).text,
                     counted(pair->restored).text);
}

static bool has_data(const struct archive *archive)
{
    for (size_t i = 0; i < archive->table_count; i++)
        if (archive->tables[i].has_data)
            return true;
    return false;
}

/* A backup without tables, or without a row in any table, restores without a word of error and is
 * worth nothing. */
static bool holds_nothing(const struct subject *subject, const struct pairs *pairs,
                          struct outcome *outcome)
{
    static const char if_meant[] = "If that is intended, say `may_be_empty: true` under backups";
    const struct archive *archive = subject->archive;
    if (archive->large_object_count > 0 || subject->scenario->backups.may_be_empty)
        return false;
    const char *plural = pairs->count == 1 ? "" : "s";
    if (pairs->count == 0)
        outcome_fail(outcome,
                     "the backup holds no table at all: was it made of the right database? %s",
                     if_meant);
    else if (!has_data(archive))
        outcome_fail(outcome,
                     "the backup holds the definition%s of %zu table%s and the data of none: was "
                     "it made with --schema-only or --no-data%s? %s",
                     plural, pairs->count, plural,
                     archive->format == ARCHIVE_PLAIN
                         ? ", or with --inserts when every table was empty"
                         : "",
                     if_meant);
    else if (!archive_has_rows(archive))
        outcome_fail(outcome,
                     "every table of the backup is empty: was it made of the right "
                     "database? %s",
                     if_meant);
    else
        return false;
    return true;
}

/* Large objects are in no table. False: they are not all there, or cannot be counted. */
static bool has_large_objects(struct connection *connection, const struct subject *subject,
                              struct outcome *outcome)
{
    cleanup(result_clear) PGresult *result =
        session_row(connection, "select count(*) from pg_largeobject_metadata", outcome);
    if (!result)
        return false;
    int64_t restored = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    int64_t archived = subject->archive->large_object_count;
    if (archived > 0)
        outcome_value(outcome, "restored.large_objects", "%" PRId64, restored);
    /* Which large objects restore.exclude leaves out is not known. */
    bool filtered = subject->facts->restore.excluded_count > 0;
    if (restored == archived || (filtered && restored < archived))
        return true;
    outcome_fail(outcome, "the backup has %s large object%s, and %s came back",
                 counted(archived).text, archived == 1 ? "" : "s", counted(restored).text);
    return false;
}

static int64_t rows_restored(const struct pairs *pairs)
{
    int64_t rows = 0;
    for (size_t i = 0; i < pairs->count; i++)
        rows += pairs->items[i].restored;
    return rows;
}

/* False: the outcome says which do not. */
static bool tables_agree(const struct pairs *pairs, struct outcome *outcome)
{
    size_t different = 0;
    cleanup(free_pointer) char *first = NULL;
    for (size_t i = 0; i < pairs->count; i++) {
        if (agrees(&pairs->items[i]))
            continue;
        cleanup(free_pointer) char *words = difference_words(&pairs->items[i]);
        if (++different <= LISTED_DIFFERENCES)
            outcome_detail(outcome, "%s", words);
        if (!first)
            first = take(&words);
    }
    outcome_value(outcome, "restored.tables", "%zu", pairs->count);
    outcome_value(outcome, "restored.rows", "%" PRId64, rows_restored(pairs));
    if (!first)
        return true;
    if (different > LISTED_DIFFERENCES)
        outcome_detail(outcome, "and %zu more", different - LISTED_DIFFERENCES);
    cleanup(free_pointer) char *others =
        xasprintf("; %zu of %zu tables differ from the backup", different, pairs->count);
    outcome_fail(outcome, "%s%s", first, different > 1 ? others : "");
    return false;
}

/* --- what is not there, or not right, and cannot be told to be wrong ---------------------------
 */

/* False: the outcome says that rows are lost. */
static bool tables_have_data(const struct subject *subject, const struct gaps *gaps,
                             const struct pairs *pairs, struct outcome *outcome, char **ret_words)
{
    cleanup(absent_free) struct absent absent = {0};
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i];
        bool may_lack = pair->partitioned || pair->by_root || pair->of_extension;
        if (pair->in_archive && !may_lack && gaps_have_table(gaps, pair->schema, pair->name))
            absent_add(&absent, subject, pair->schema, pair->name, pair->unlogged, outcome);
    }
    *ret_words = absent_words(&absent);
    return !absent.failed;
}

/* All agrees: it passes, and speaks where something is missing of which nobody knows whether it
 * should be there. */
static void tell_all(struct connection *connection, const struct subject *subject,
                     const struct pairs *pairs, struct outcome *outcome)
{
    cleanup(gaps_free) struct gaps gaps;
    cleanup(free_pointer) char *absent = NULL;
    cleanup(free_pointer) char *behind = NULL;
    gaps_find(subject->archive, &gaps);
    if (!tables_have_data(subject, &gaps, pairs, outcome, &absent) ||
        numbering_check(connection, outcome, &behind) < 0)
        return;
    cleanup(free_pointer) char *others = gaps_words(&gaps, outcome);
    cleanup(free_pointer) char *seen = xasprintf(
        "%s row%s in %s table%s%s", counted(rows_restored(pairs)).text,
        plural_of(rows_restored(pairs)), counted((int64_t)pairs->count).text,
        plural_of((int64_t)pairs->count),
        subject->facts->restore.excluded_count > 0 ? ", without what restore.exclude leaves out"
                                                   : "");
    const char *const remarks[] = {absent, behind, others};
    struct buffer words;
    buffer_init(&words, SIZE_MAX / 2);
    for (size_t i = 0; i < ARRAY_LENGTH(remarks); i++)
        if (remarks[i])
            buffer_printf(&words, "; %s", remarks[i]);
    if (words.length > 0)
        outcome_warn(outcome, "%s%s", seen, words.data);
    else
        outcome_pass(outcome, "%s", seen);
    buffer_free(&words);
}

void every_table_has_its_rows(const struct subject *subject, const void *parameter,
                              struct outcome *outcome)
{
    (void)parameter;
    /* What this machine failed to restore says nothing about the backup; what the backup failed at
     * is told table by table. */
    const struct stage_fact *restore = &subject->facts->stages[STAGE_RESTORE];
    if (restore->state == STAGE_FAILED && restore->error.fault == FAULT_MACHINE) {
        outcome_skip(outcome, "not looked at, because `backup restores` did not pass");
        return;
    }
    cleanup(connection_closep) struct connection *connection =
        session_open_encoded(subject, outcome);
    if (!connection)
        return;
    cleanup(pairs_free) struct pairs pairs = {0};
    expect_archive(subject, &pairs);
    if (find_restored(connection, subject->archive, &pairs, outcome) < 0)
        return;
    if (subject->one_of_several && pairs.count == 0 && subject->archive->large_object_count == 0) {
        outcome_warn(outcome, "the database holds no table"); /* as it did when it was dumped */
        return;
    }
    if (holds_nothing(subject, &pairs, outcome))
        return;
    for (size_t i = 0; i < pairs.count; i++)
        if (pairs.items[i].quoted && count_rows(connection, &pairs.items[i], outcome) < 0)
            return;
    if (has_large_objects(connection, subject, outcome) && tables_agree(&pairs, outcome) &&
        sequences_agree(connection, subject, outcome)) {
        if (!fills_schema(subject->archive) ||
            foreign_keys_hold(connection, subject->archive, outcome))
            tell_all(connection, subject, &pairs, outcome);
        return;
    }
    blame_appended(subject, outcome);
    blame_server(subject, outcome);
}
