/* Every object is there: what pg_dump says of the restored database against the backup's own table
 * of contents, entry by entry. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/kinds.h"
#include "checks/numbering.h"
#include "checks/schema_limits.h"
#include "checks/session.h"
#include "postgres/tools.h"
#include "schema/schema.h"
#include "stages/definitions.h"
#include "stages/exclusion.h"

enum { NAMED = 10, NAMES_BYTES = 700, LISTED = 100 };

/* --- the restored database -------------------------------------------------------------------- */

/* What it holds, as an archive without data. */
static int restored_read(const struct subject *subject, struct archive *ret_archive,
                         struct error *error)
{
    const struct definitions_source source = {
        .database = subject->database,
        .server_version = subject->facts->server.version,
        .programs = subject->facts->server.programs,
        .encoding = subject->archive->encoding,
        .throwaway = *subject->facts->server.guest == '\0',
        .deadline_ms = deadline_after(subject->scenario->restore.timeout_ms)};
    return definitions_read(&source, ret_archive, error);
}

/* --- how far the two can be compared ---------------------------------------------------------- */

static bool is_major(const char *version, int major)
{
    return version && version_major(version) == major;
}

static bool defines(const struct archive *archive)
{
    return archive->entry_count > 0 || (archive->plain && archive->plain->objects.count > 0);
}

/* Of a set, each file that defines something may be of another version, or not tell it. */
static bool is_of_versions(const struct archive *archive, int pg_dump, int server)
{
    for (size_t i = 0; i < archive->part_count; i++)
        if (defines(&archive->parts[i]) && !is_of_versions(&archive->parts[i], pg_dump, server))
            return false;
    return archive->part_count > 0 || (is_major(archive->pg_dump_version, pg_dump) &&
                                       is_major(archive->server_version, server));
}

static enum schema_depth depth_of(const struct archive *archive, const struct archive *restored)
{
    int pg_dump = version_major(restored->pg_dump_version ? restored->pg_dump_version : "");
    int server = version_major(restored->server_version ? restored->server_version : "");
    return is_of_versions(archive, pg_dump, server) ? SCHEMA_DEFINITIONS : SCHEMA_NAMES;
}

static void tell_versions(const struct archive *archive, const struct archive *restored,
                          enum schema_depth depth, struct outcome *outcome)
{
    const char *unknown = "a version that it does not tell";
    if (depth == SCHEMA_DEFINITIONS && outcome->verdict == VERDICT_PASS)
        return;
    outcome_detail(
        outcome,
        "%sthe backup is of PostgreSQL %s, dumped by pg_dump %s; it was restored into %s, "
        "and read with pg_dump %s",
        depth == SCHEMA_NAMES ? "only kinds and names were compared, since another "
                                "version may write definitions otherwise: "
                              : "",
        archive->server_version ? archive->server_version : unknown,
        archive->pg_dump_version ? archive->pg_dump_version : unknown, restored->server_version,
        restored->pg_dump_version);
}

/* --- words ------------------------------------------------------------------------------------ */

/* "index public users_email_idx, view public active and 3 more", to be freed by the caller. */
static char *names_of(const struct schema_object *const *objects, size_t count)
{
    struct buffer names;
    size_t named = 0;
    buffer_init(&names, NAMES_BYTES);
    for (; named < count && named < NAMED && !names.overflowed; named++) {
        cleanup(free_pointer) char *label = schema_object_label(objects[named]);
        if (buffer_printf(&names, "%s%s", named > 0 ? ", " : "", label) < 0)
            break;
    }
    cleanup(free_pointer) char *listed = buffer_steal(&names);
    return named < count ? xasprintf("%s and %zu more", listed, count - named) : take(&listed);
}

static void list(const struct schema_object *const *objects, size_t count, const char *what,
                 struct outcome *outcome)
{
    for (size_t i = 0; i < count && i < LISTED; i++) {
        cleanup(free_pointer) char *label = schema_object_label(objects[i]);
        outcome_detail(outcome, "%s: %s", what, label);
    }
    if (count > LISTED)
        outcome_detail(outcome, "%s: %zu more", what, count - LISTED);
}

static void tell_left_out(const struct schema *expected, struct outcome *outcome)
{
    struct buffer words;
    buffer_init(&words, 2000);
    for (enum schema_rule rule = RULE_NONE + 1; rule < SCHEMA_RULE_COUNT; rule++)
        if (expected->left_out[rule] > 0)
            buffer_printf(&words, "%s%zu %s", words.length > 0 ? "; " : "",
                          expected->left_out[rule], schema_rule_words(rule));
    if (words.length > 0)
        outcome_detail(outcome, "not compared, on purpose: %s", words.data);
    buffer_free(&words);
}

/* --- what is as it was ------------------------------------------------------------------------ */

/* A pg_dump leaves out an index that a failed CREATE INDEX CONCURRENTLY left; one of a partitioned
 * table, which lacks some of its partitions, it writes as it is. */
static const char unsound_sql[] =
    "select format('the %s %s was never validated (NOT VALID)', "
    "case contype when 'f' then 'foreign key' else 'constraint' end, "
    "concat(case when contypid <> 0 then format_type(contypid, null) "
    "else (select format('%I.%I', nspname, relname) from pg_class c join pg_namespace n "
    "on n.oid = relnamespace where c.oid = conrelid) end, ' ', conname)) "
    "from pg_constraint where not convalidated "
    "and pg_get_constraintdef(oid) like '% NOT VALID' "
    "union all "
    "select format('the index %I.%I is not valid', nspname, relname) from pg_index "
    "join pg_class c on c.oid = indexrelid join pg_namespace n on n.oid = relnamespace "
    "where not indisvalid order by 1";

static void name_take(void *names, const PGresult *row)
{
    strings_add(names, PQgetvalue(row, 0, 0));
}

static int unsound_names(struct connection *connection, struct strings *names,
                         struct outcome *outcome)
{
    if (session_each(connection, unsound_sql, name_take, names, outcome) < 0)
        return -1;
    struct error error;
    char state[6];
    if (connection_server_version(connection) < 100000 ||
        connection_each(connection, numbering_untied_sql, name_take, names, state, &error) == 0)
        return 0;
    outcome_from_error(outcome, &error);
    return -1;
}

/* Words for what a database may have that is not as sound as it looks, to be freed by the caller;
 * NULL: nothing. -1: the outcome says why that is not known. */
static int unsound_find(const struct subject *subject, struct outcome *outcome, char **ret_words)
{
    cleanup(connection_closep) struct connection *connection =
        session_open_encoded(subject, outcome);
    cleanup(strings_free) struct strings names = {0};
    if (!connection || unsound_names(connection, &names, outcome) < 0)
        return -1;
    struct buffer words;
    buffer_init(&words, NAMES_BYTES);
    for (size_t i = 0; i < names.count && i < NAMED; i++)
        buffer_printf(&words, "%s%s", i > 0 ? ", " : "", names.items[i]);
    if (names.count > NAMED)
        outcome_detail(outcome, "and %zu more that %s not valid or not tied", names.count - NAMED,
                       names.count - NAMED == 1 ? "is" : "are");
    *ret_words = names.count > 0 ? xasprintf("as in the source, %s", words.data) : NULL;
    buffer_free(&words);
    return 0;
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* False: the outcome says what is not there, or not the same. */
static bool all_is_there(const struct schema *expected, const struct schema_difference *difference,
                         struct outcome *outcome)
{
    cleanup(free_pointer) char *missing = names_of(difference->missing, difference->missing_count);
    cleanup(free_pointer) char *changed = names_of(difference->changed, difference->changed_count);
    list(difference->missing, difference->missing_count, "missing", outcome);
    list(difference->changed, difference->changed_count, "defined otherwise", outcome);
    bool both = difference->missing_count > 0 && difference->changed_count > 0;
    cleanup(free_pointer) char *lost =
        difference->missing_count > 0
            ? xasprintf("%zu of %zu objects %s not in the restored database: %s",
                        difference->missing_count, expected->count,
                        difference->missing_count == 1 ? "is" : "are", missing)
            : xstrdup("");
    cleanup(free_pointer) char *other =
        difference->changed_count > 0
            ? xasprintf("%zu%s %s defined otherwise than in the backup: %s",
                        difference->changed_count,
                        both                             ? ""
                        : difference->changed_count == 1 ? " object"
                                                         : " objects",
                        difference->changed_count == 1 ? "is" : "are", changed)
            : xstrdup("");
    if (!*lost && !*other)
        return true;
    outcome_fail(outcome, "%s%s%s", lost, both ? "; " : "", other);
    return false;
}

/* Objects that the backup does not name were made by what ran while it was restored. Nobody can
 * tell where not all of the backup is named, or another version names it. */
static char *added_words(const struct subject *subject, const struct schema *expected,
                         const struct schema_difference *difference, enum schema_depth depth,
                         struct outcome *outcome)
{
    if (difference->added_count == 0)
        return NULL;
    list(difference->added, difference->added_count, "not in the backup", outcome);
    if (depth != SCHEMA_DEFINITIONS || expected->unnamed > 0 || subject->archive->part_count > 0)
        return NULL;
    cleanup(free_pointer) char *names = names_of(difference->added, difference->added_count);
    return xasprintf("%zu object%s in the restored database that the backup does not name: %s",
                     difference->added_count, difference->added_count == 1 ? " is" : "s are",
                     names);
}

static void tell_there(const struct subject *subject, const struct schema *expected,
                       const char *added, struct outcome *outcome)
{
    cleanup(free_pointer) char *unsound = NULL;
    if (unsound_find(subject, outcome, &unsound) < 0)
        return;
    cleanup(free_pointer) char *seen = xasprintf(
        "%s object%s", counted((int64_t)expected->count).text, plural_of((int64_t)expected->count));
    if (expected->count == 0 && expected->unnamed > 0)
        outcome_warn(
            outcome,
            "nothing was compared: nothing in the backup tells what its statements define");
    else if (added || unsound)
        outcome_warn(outcome, "%s; %s%s%s", seen, added ? added : "", added && unsound ? "; " : "",
                     unsound ? unsound : "");
    else
        outcome_pass(outcome, "%s", seen);
}

static void judge(const struct subject *subject, const struct schema *expected,
                  const struct schema *found, enum schema_depth depth, struct outcome *outcome)
{
    cleanup(schema_difference_free) struct schema_difference difference = {0};
    schema_compare(expected, found, depth, &difference);
    outcome_value(outcome, "restored.objects", "%zu", difference.same);
    if (all_is_there(expected, &difference, outcome)) {
        cleanup(free_pointer) char *added =
            added_words(subject, expected, &difference, depth, outcome);
        tell_there(subject, expected, added, outcome);
    } else {
        blame_appended(subject, outcome);
        blame_server(subject, outcome);
    }
    schema_tell_limits(expected, &difference, outcome);
    tell_left_out(expected, outcome);
}

/* For each entry of the restored database: was it made for the sake of the checks? */
static bool *made_for_checks(const struct subject *subject, const struct archive *restored)
{
    bool *made = xcalloc(restored->entry_count + 1, sizeof(*made));
    for (size_t i = 0; i < restored->entry_count; i++)
        made[i] = subject->facts->restore.amcheck_made &&
                  strcmp(restored->entries[i].description, "EXTENSION") == 0 &&
                  strcmp(restored->entries[i].tag, "amcheck") == 0;
    return made;
}

void every_object_is_there(const struct subject *subject, const void *parameter,
                           struct outcome *outcome)
{
    (void)parameter;
    cleanup(archive_free) struct archive restored = {0};
    cleanup(exclusion_free) struct exclusion exclusion = {0};
    cleanup(schema_free) struct schema expected = {0};
    cleanup(schema_free) struct schema found = {0};
    struct error error;
    if (restored_read(subject, &restored, &error) < 0) {
        outcome_error(outcome, "the objects of the restored database cannot be listed: %s",
                      error.text);
        return;
    }
    exclusion_find(subject->archive, &subject->scenario->restore.exclude, &exclusion);
    cleanup(free_pointer) bool *ours = made_for_checks(subject, &restored);
    const struct schema_exclusion made = {.entries = ours};
    const struct schema_exclusion left_out = {.entries = exclusion.left_out,
                                              .extensions = &exclusion.extensions};
    schema_find(subject->archive, &left_out, &expected);
    schema_find(&restored, &made, &found);
    enum schema_depth depth = depth_of(subject->archive, &restored);
    judge(subject, &expected, &found, depth, outcome);
    tell_versions(subject->archive, &restored, depth, outcome);
    order_of_texts_tell(subject, outcome);
}
