/* Contents are identical: the fingerprint of every restored table against the archive's.
 *
 * The rows are read back with COPY in the same text form that pg_dump wrote, with pg_dump's own
 * settings. Two settings are in no archive. The time zone of the dumping session, in which every
 * timestamptz is written: when a table with such a column differs in UTC, the zone is looked for by
 * trying all zones on the smallest such table. And its bytea_output, which pg_dump leaves as the
 * role or the database has it: what differs is read again with the old form. Equal fingerprints
 * cannot come about by a wrong setting. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "checks/kinds.h"
#include "checks/partitions.h"
#include "checks/session.h"
#include "postgres/tools.h"
#include "stages/exclusion.h"

enum { LISTED_DIFFERENCES = 100, PROBE_LIMIT_BYTES = 4 * 1024 * 1024 };

/* A table whose contents are compared, or a tree of partitions into which the archive loads rows
 * through its root. */
struct candidate {
    char *label;
    char *root; /* of a tree, as SQL needs it; NULL: a table */
    char *columns;
    char *sql;      /* COPY ... TO STDOUT; NULL: there is no such table */
    bool has_zones; /* a value's text depends on the time zone */
    bool reordered; /* the archive has the columns of its partitions in several orders */
    bool identical;
    struct row_totals archived;
    struct row_totals restored;
};

struct candidates {
    struct candidate *items;
    size_t count;
    size_t inserts; /* tables whose rows are INSERTs: they have no text to compare with */
};

static void candidates_free(struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        free(candidates->items[i].label);
        free(candidates->items[i].root);
        free(candidates->items[i].columns);
        free(candidates->items[i].sql);
    }
    free(candidates->items);
}

/* pg_dump's settings (setup_connection in pg_dump.c). */
static const char pg_dump_settings[] =
    "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3";

static void feed_row(void *rows, const char *row, size_t length)
{
    rows_feed(rows, row, length);
}

/* Reads a table back. -1: the server would not; the outcome says so. */
static int read_back(struct connection *connection, const char *sql, struct row_totals *ret_totals,
                     struct error *error)
{
    cleanup(rows_freep) struct rows *rows = rows_new(true);
    if (connection_copy_out(connection, sql, feed_row, rows, error) < 0)
        return -1;
    rows_feed(rows, ROWS_TERMINATOR, strlen(ROWS_TERMINATOR));
    return rows_finish(rows, ret_totals, error);
}

static bool same_fingerprint(const struct row_totals *left, const struct row_totals *right)
{
    return left->rows == right->rows && left->fingerprint[0] == right->fingerprint[0] &&
           left->fingerprint[1] == right->fingerprint[1];
}

/* --- which tables ----------------------------------------------------------------------------- */

/* What there is to know of a table before it is read back: is it a partitioned one, does it belong
 * to an extension (and is not wholly in the archive then), does the text of a column depend on the
 * time zone (by itself or inside an array, range or composite; a yes too many costs time only), and
 * which columns a COPY without a column list writes. */
static const char table_sql[] =
    "select relkind = 'p', "
    "exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and "
    "deptype = 'e'), "
    "exists (select from pg_attribute a join pg_type t on t.oid = atttypid where attrelid = c.oid "
    "and attnum > 0 and not attisdropped and (typtype in ('c', 'd', 'r', 'm') or typelem <> 0 or "
    "typname in ('timestamptz', 'timetz'))), "
    "(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where "
    "attrelid "
    "= c.oid and attnum > 0 and not attisdropped and attgenerated = ''), " PARTITION_ROOT_SQL
    " from pg_class c where oid = to_regclass($1)";

/* The table through which the archive loads the rows of `table`; none: `ret_name` becomes NULL.
 * `restored` is what table_sql tells. */
static void find_root(const struct archive *archive, const struct archive_table *table,
                      const PGresult *restored, const char **ret_schema, const char **ret_name)
{
    *ret_schema = table->target_schema;
    *ret_name = table->target_name;
    if (loads_through_root(archive, *ret_schema, *ret_name))
        return;
    *ret_schema = PQgetvalue(restored, 0, 4);
    *ret_name = PQgetvalue(restored, 0, 5);
    if (!loads_through_root(archive, *ret_schema, *ret_name))
        *ret_name = NULL;
}

static struct candidate *candidate_new(struct candidates *candidates)
{
    candidates->items =
        xreallocarray(candidates->items, candidates->count + 1, sizeof(*candidates->items));
    struct candidate *candidate = &candidates->items[candidates->count++];
    *candidate = (struct candidate){0};
    return candidate;
}

static struct candidate *find_tree(struct candidates *candidates, const char *root)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (candidates->items[i].root && strcmp(candidates->items[i].root, root) == 0)
            return &candidates->items[i];
    return NULL;
}

static void totals_add(struct row_totals *totals, const struct row_totals *more)
{
    uint64_t low = totals->fingerprint[0] + more->fingerprint[0];
    totals->fingerprint[1] += more->fingerprint[1] + (low < more->fingerprint[0]);
    totals->fingerprint[0] = low;
    totals->rows += more->rows;
    totals->bytes += more->bytes;
}

/* The rows of a table that land in the tree below `schema`.`name`. */
static void tree_add(struct candidates *candidates, const char *schema, const char *name,
                     const char *columns, bool has_zones, const struct row_totals *archived)
{
    cleanup(free_pointer) char *quoted_schema = identifier_quote(schema);
    cleanup(free_pointer) char *quoted_name = identifier_quote(name);
    cleanup(free_pointer) char *root = xasprintf("%s.%s", quoted_schema, quoted_name);
    struct candidate *tree = find_tree(candidates, root);
    if (!tree) {
        tree = candidate_new(candidates);
        tree->label = xasprintf("%s.%s", schema, name);
        tree->columns = xstrdup(columns);
        tree->sql = xasprintf("COPY (SELECT %s FROM %s) TO STDOUT", columns, root);
        tree->root = take(&root);
    }
    tree->reordered |= strcmp(tree->columns, columns) != 0;
    tree->has_zones |= has_zones;
    totals_add(&tree->archived, archived);
}

/* "(a, b)" without its parentheses. */
static char *column_list(const char *columns)
{
    size_t length = strlen(columns);
    return length < 2 ? xstrdup("") : xstrndup(columns + 1, length - 2);
}

static int candidate_add(struct candidates *candidates, struct connection *connection,
                         const struct archive *archive, const struct archive_table *table,
                         struct error *error)
{
    cleanup(free_pointer) char *schema =
        identifier_quote(*table->schema ? table->schema : "public");
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *quoted = xasprintf("%s.%s", schema, name);
    const char *const parameters[] = {quoted, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, table_sql, parameters, &result, NULL, error) < 0)
        return -1;
    bool there = PQntuples(result) == 1;
    bool partitioned = there && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    bool of_extension = there && strcmp(PQgetvalue(result, 0, 1), "t") == 0;
    bool has_zones = there && strcmp(PQgetvalue(result, 0, 2), "t") == 0;
    const char *root_schema = NULL;
    const char *root_name = NULL;
    /* As a rule the rows of a partitioned table are those of its partitions. */
    if (of_extension || (partitioned && table->totals.rows == 0))
        return 0;
    if (there)
        find_root(archive, table, result, &root_schema, &root_name);
    if (root_name) {
        cleanup(free_pointer) char *columns =
            table->columns ? column_list(table->columns) : xstrdup(PQgetvalue(result, 0, 3));
        tree_add(candidates, root_schema, root_name, columns, has_zones, &table->totals);
        return 0;
    }
    struct candidate *candidate = candidate_new(candidates);
    candidate->label = archive_table_label(table);
    candidate->has_zones = has_zones;
    candidate->archived = table->totals;
    if (there)
        candidate->sql =
            xasprintf("COPY %s %s TO STDOUT", quoted, table->columns ? table->columns : "");
    return 0;
}

static int candidates_find(const struct subject *subject, struct connection *connection,
                           struct candidates *ret_candidates, struct error *error)
{
    int outcome = 0;
    const struct archive *archive = subject->archive;
    struct exclusion exclusion;
    exclusion_find(archive, &subject->scenario->restore.exclude, &exclusion);
    for (size_t i = 0; i < archive->table_count && outcome == 0; i++) {
        const struct archive_table *table = &archive->tables[i];
        if (exclusion_has_table(archive, &exclusion, table))
            continue;
        if (table->has_fingerprint)
            outcome = candidate_add(ret_candidates, connection, archive, table, error);
        else if (table->totals.rows > 0)
            ret_candidates->inserts++;
    }
    exclusion_free(&exclusion);
    return outcome;
}

/* --- the comparison --------------------------------------------------------------------------- */

static int compare(struct connection *connection, struct candidate *candidate, struct error *error)
{
    candidate->identical = candidate->reordered; /* that is told as an error of its own */
    if (!candidate->sql || candidate->reordered)
        return 0;
    if (read_back(connection, candidate->sql, &candidate->restored, error) < 0)
        return error_prefix(error, "%s cannot be read back: ", candidate->label);
    if (session_next(connection, error) < 0)
        return -1;
    candidate->identical = same_fingerprint(&candidate->restored, &candidate->archived);
    return 0;
}

static int set_zone(struct connection *connection, const char *zone, struct error *error)
{
    cleanup(free_pointer) char *quoted = literal_quote(zone);
    return connection_execute(connection, error, "SET TimeZone = %s", quoted);
}

/* The zone in which the smallest table that differs is identical. 0 and NULL: there is none. */
static int find_zone(struct connection *connection, struct candidates *candidates, char **ret_zone,
                     struct error *error)
{
    struct candidate *probe = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        struct candidate *candidate = &candidates->items[i];
        if (!candidate->identical && candidate->has_zones &&
            candidate->restored.rows == candidate->archived.rows &&
            candidate->restored.bytes < PROBE_LIMIT_BYTES &&
            (!probe || candidate->restored.bytes < probe->restored.bytes))
            probe = candidate;
    }
    cleanup(result_clear) PGresult *zones = NULL;
    if (!probe)
        return 0;
    if (connection_query(connection,
                         "select name from pg_timezone_names where name !~ '^(posix|right)/'", NULL,
                         &zones, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(zones); i++) {
        const char *zone = PQgetvalue(zones, i, 0);
        if (set_zone(connection, zone, error) < 0 || compare(connection, probe, error) < 0)
            return -1;
        if (probe->identical) {
            *ret_zone = xstrdup(zone);
            return 0;
        }
    }
    return 0;
}

static int compare_rest(struct connection *connection, struct candidates *candidates,
                        bool with_zones_only, struct error *error)
{
    for (size_t i = 0; i < candidates->count; i++) {
        struct candidate *candidate = &candidates->items[i];
        if (!candidate->identical && (candidate->has_zones || !with_zones_only) &&
            compare(connection, candidate, error) < 0)
            return -1;
    }
    return 0;
}

static bool all_identical(const struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (!candidates->items[i].identical)
            return false;
    return true;
}

static int compare_all(struct connection *connection, struct candidates *candidates,
                       struct outcome *outcome, struct error *error)
{
    static const char *const bytea_outputs[] = {"hex", "escape"};
    for (size_t i = 0; i < ARRAY_LENGTH(bytea_outputs); i++) {
        cleanup(free_pointer) char *zone = NULL;
        if (connection_execute(connection, error, "SET bytea_output = %s", bytea_outputs[i]) < 0 ||
            compare_rest(connection, candidates, false, error) < 0 ||
            find_zone(connection, candidates, &zone, error) < 0)
            return -1;
        if (zone)
            outcome_detail(outcome, "the dump was written in the time zone %s, or one like it",
                           zone);
        if (zone && compare_rest(connection, candidates, true, error) < 0)
            return -1;
        if (all_identical(candidates))
            return 0;
    }
    return 0;
}

static size_t count_reordered(const struct candidates *candidates)
{
    size_t count = 0;
    for (size_t i = 0; i < candidates->count; i++)
        count += candidates->items[i].reordered;
    return count;
}

/* Where the major versions differ, values may be written differently (floats before 12). */
static void judge(const struct subject *subject, const struct candidates *candidates,
                  struct outcome *outcome)
{
    size_t different = 0;
    size_t reordered = count_reordered(candidates);
    const struct candidate *first = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->items[i];
        if (candidate->identical)
            continue;
        first = first ? first : candidate;
        if (++different <= LISTED_DIFFERENCES)
            outcome_detail(outcome, "%s: archive %s rows, %s bytes; restored %s rows, %s bytes",
                           candidate->label, counted(candidate->archived.rows).text,
                           counted(candidate->archived.bytes).text,
                           counted(candidate->restored.rows).text,
                           counted(candidate->restored.bytes).text);
    }
    outcome_value(outcome, "restored.compared_tables", "%zu", candidates->count);
    int dumped =
        subject->archive->server_version ? version_major(subject->archive->server_version) : 0;
    int restored = version_major(subject->facts->server.version);
    if (different > 0 && dumped != restored)
        outcome_error(
            outcome,
            "%zu of %zu tables have other text than the archive, first %s; but the dump is "
            "of PostgreSQL %d and this server is %d, which may write the same values "
            "differently: install PostgreSQL %d to compare",
            different, candidates->count, first->label, dumped, restored, dumped);
    else if (different > 0)
        outcome_fail(outcome, "%zu of %zu tables hold other values than the archive; first %s",
                     different, candidates->count, first->label);
    else if (candidates->inserts > 0)
        outcome_error(outcome,
                      "%zu table%s cannot be compared, because the dump holds %s as INSERTs: dump "
                      "without --inserts, or remove restore.contents",
                      candidates->inserts, candidates->inserts == 1 ? "" : "s",
                      candidates->inserts == 1 ? "it" : "them");
    else if (reordered > 0)
        outcome_error(outcome,
                      "%zu partitioned table%s cannot be compared, because the dump loads rows "
                      "through %s into partitions whose columns are in several orders: remove "
                      "restore.contents",
                      reordered, reordered == 1 ? "" : "s", reordered == 1 ? "it" : "them");
    else
        outcome_pass(outcome, "%zu table%s, value for value", candidates->count,
                     candidates->count == 1 ? "" : "s");
}

void contents_are_identical(const struct subject *subject, const void *parameter,
                            struct outcome *outcome)
{
    (void)parameter;
    cleanup(connection_closep) struct connection *connection =
        session_open_encoded(subject, outcome);
    if (!connection)
        return;
    cleanup(candidates_free) struct candidates candidates = {0};
    struct error error;
    if (connection_execute(connection, &error, "%s", pg_dump_settings) < 0 ||
        candidates_find(subject, connection, &candidates, &error) < 0 ||
        compare_all(connection, &candidates, outcome, &error) < 0)
        outcome_from_error(outcome, &error);
    else
        judge(subject, &candidates, outcome);
    blame_appended(subject, outcome);
}
