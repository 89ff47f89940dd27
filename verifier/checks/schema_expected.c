/* The definitions of the database against what the scenario names: the dump, the last backup that
 * verified, a file, or what migrations make of an empty database. The backup's own table of
 * contents is compared; `every object is there` says that the restored database is like that. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/kinds.h"
#include "checks/numbering.h"
#include "checks/schema_limits.h"
#include "checks/session.h"
#include "postgres/tools.h"
#include "postgres/version_table.h"
#include "schema/definitions.h"

enum { NAMED = 10, NAMES_BYTES = 700, LISTED = 100, DEFINITION_BYTES = 2000 };

/* What a backup or a file defines, and by which versions it was written. */
struct side {
    struct schema schema;
    const char *pg_dump, *server; /* NULL or "": not known */
};

/* --- what is ignored -------------------------------------------------------------------------- */

/* "TABLE audit.*" fits kind TABLE and the name with its schema, or without. */
static bool is_ignored(const struct schema_object *object, const struct strings *patterns)
{
    cleanup(free_pointer) char *full = xasprintf("%s.%s", object->schema, object->name);
    for (size_t i = 0; i < patterns->count; i++) {
        const char *pattern = strrchr(patterns->items[i], ' ') + 1;
        size_t kind = (size_t)(pattern - patterns->items[i]) - 1;
        if (strlen(object->kind) == kind && strncmp(object->kind, patterns->items[i], kind) == 0 &&
            (fnmatch(pattern, full, 0) == 0 || fnmatch(pattern, object->name, 0) == 0))
            return true;
    }
    return false;
}

static size_t leave_out_ignored(struct schema *schema, const struct strings *patterns)
{
    size_t kept = 0, all = schema->count;
    for (size_t i = 0; i < all; i++)
        if (!is_ignored(&schema->objects[i], patterns))
            schema->objects[kept++] = schema->objects[i];
    schema->count = kept;
    return all - kept;
}

/* --- words ------------------------------------------------------------------------------------ */

/* "- INDEX public.reports_title", to be freed by the caller. */
static char *line_of(char sign, const struct schema_object *object)
{
    return xasprintf("%c %s %s%s%s", sign, object->kind, object->schema, *object->schema ? "." : "",
                     object->name);
}

static void add_lines(const struct schema_object *const *objects, size_t count, char sign,
                      struct strings *lines)
{
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *line = line_of(sign, objects[i]);
        strings_add(lines, line);
    }
}

static void tell_definitions(const struct schema_object *before, const struct schema *found,
                             struct outcome *outcome)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct schema_object *now = &found->objects[i];
        if (schema_object_compare(before, now) != 0 || !before->definition || !now->definition)
            continue;
        outcome_detail(outcome, "  before: %.*s", DEFINITION_BYTES, before->definition);
        outcome_detail(outcome, "  now: %.*s", DEFINITION_BYTES, now->definition);
        return;
    }
}

/* What is gone first, then what changed with both definitions, then what is new. */
static void list(const struct strings *lines, const struct schema_difference *difference,
                 const struct schema *found, struct outcome *outcome)
{
    for (size_t i = 0; i < lines->count && i < LISTED; i++) {
        size_t changed = i - difference->missing_count;
        outcome_detail(outcome, "%s", lines->items[i]);
        if (i >= difference->missing_count && changed < difference->changed_count)
            tell_definitions(difference->changed[changed], found, outcome);
    }
    if (lines->count > LISTED)
        outcome_detail(outcome, "and %zu more", lines->count - LISTED);
}

static void add_count(struct buffer *words, size_t count, const char *what)
{
    if (count > 0)
        buffer_printf(words, "%s%zu %s", words->length > 0 ? ", " : "", count, what);
}

/* "1 gone, 2 changed, 3 new (- INDEX public.a, ...)", to be freed by the caller. */
static char *difference_words(const struct schema_difference *difference,
                              const struct strings *lines)
{
    struct buffer words, names;
    buffer_init(&words, 2 * (size_t)NAMES_BYTES);
    buffer_init(&names, NAMES_BYTES);
    add_count(&words, difference->missing_count, "gone");
    add_count(&words, difference->changed_count, "changed");
    add_count(&words, difference->added_count, "new");
    size_t named = 0;
    while (named < lines->count && named < NAMED &&
           buffer_printf(&names, "%s%s", named > 0 ? ", " : "", lines->items[named]) == 0)
        named++;
    buffer_printf(&words, ": %s", names.data);
    buffer_free(&names);
    if (named < lines->count)
        buffer_printf(&words, " and %zu more", lines->count - named);
    return buffer_steal(&words);
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool is_same_major(const char *one, const char *other)
{
    return one && other && *one && *other && version_major(one) == version_major(other);
}

static void side_of_archive(const struct archive *archive, struct side *ret_side)
{
    *ret_side =
        (struct side){.pg_dump = archive->pg_dump_version, .server = archive->server_version};
    schema_find_all(archive, &ret_side->schema);
}

/* What was not compared, or not in full. */
static void tell_limits(const struct side *before, const struct side *now, const char *since,
                        const struct schema_difference *difference, enum schema_depth depth,
                        struct outcome *outcome)
{
    if (depth == SCHEMA_NAMES)
        outcome_detail(outcome,
                       "only kinds and names were compared: the definitions are of different "
                       "versions of PostgreSQL or pg_dump, or of one that is not known");
    if (before->schema.unnamed > 0)
        outcome_detail(outcome,
                       "of %s, %" PRId64 " statement%s not compared: nothing tells what %s", since,
                       before->schema.unnamed, before->schema.unnamed == 1 ? " was" : "s were",
                       before->schema.unnamed == 1 ? "it defines" : "they define");
    schema_tell_limits(&now->schema, difference, outcome);
}

/* Compares the backup with what is expected. `allowed`: why a difference is none to fail for; or
 * NULL. */
static void compare(const struct subject *subject, const struct schema_expectation *expected,
                    struct side *before, const char *since, const char *allowed,
                    struct outcome *outcome)
{
    const struct strings *ignored = &subject->scenario->schema.ignored;
    struct side now;
    side_of_archive(subject->archive, &now);
    enum schema_depth depth =
        is_same_major(before->pg_dump, now.pg_dump) && is_same_major(before->server, now.server)
            ? SCHEMA_DEFINITIONS
            : SCHEMA_NAMES;
    leave_out_ignored(&before->schema, ignored);
    size_t left_out = leave_out_ignored(&now.schema, ignored);
    cleanup(schema_difference_free) struct schema_difference difference = {0};
    schema_compare(&before->schema, &now.schema, depth, &difference);
    const char *relation =
        expected->reference == SCHEMA_AS_LAST_VERIFIED ? "since" : "compared with";
    cleanup(strings_free) struct strings lines = {0};
    add_lines(difference.missing, difference.missing_count, '-', &lines);
    add_lines(difference.changed, difference.changed_count, '~', &lines);
    add_lines(difference.added, difference.added_count, '+', &lines);
    list(&lines, &difference, &now.schema, outcome);
    cleanup(free_pointer) char *words = difference_words(&difference, &lines);
    if (left_out > 0)
        outcome_detail(outcome, "ignored, as the scenario asks: %zu", left_out);
    tell_limits(before, &now, since, &difference, depth, outcome);
    if (lines.count == 0)
        outcome_pass(outcome, "%s object%s", counted((int64_t)difference.same).text,
                     plural_of((int64_t)difference.same));
    else if (allowed)
        outcome_pass(outcome, "%s, %s", words, allowed);
    else if (expected->warn)
        outcome_warn(outcome, "%s %s, %s", relation, since, words);
    else
        outcome_fail(outcome, "%s %s, %s", relation, since, words);
    schema_free(&now.schema);
}

/* --- the last backup that verified ------------------------------------------------------------ */

static bool is_same_list(const struct strings *one, const struct strings *other)
{
    bool same = one->count == other->count;
    for (size_t i = 0; same && i < one->count; i++)
        same = strings_contain(other, one->items[i]);
    return same;
}

/* Have the migrations gone on since? -1: the outcome says why that cannot be told. */
static int migrations_differ(const struct subject *subject, bool *ret_differ,
                             struct outcome *outcome)
{
    size_t count = 0;
    struct error error;
    cleanup(free_pointer) struct version_table *tables =
        scenario_version_tables(subject->scenario, &count);
    cleanup(version_states_free) struct version_states states = {0};
    *ret_differ = false;
    if (count == 0)
        return 0;
    cleanup(connection_closep) struct connection *connection = session_open(subject, outcome);
    if (!connection)
        return -1;
    if (version_tables_read(connection, tables, count, &states, &error) < 0) {
        outcome_from_error(outcome, &error);
        return -1;
    }
    for (size_t i = 0; i < states.count; i++) {
        const struct version_state *before =
            version_states_find(&subject->previous->versions, states.items[i].table);
        *ret_differ |= before && !is_same_list(&before->versions, &states.items[i].versions);
    }
    return 0;
}

/* False: the record could never tell, and the outcome says so. */
static bool keeps_definitions(const struct subject *subject, struct outcome *outcome)
{
    cleanup(definitions_free) struct definitions definitions = {0};
    definitions_find(subject->archive, &definitions);
    if (definitions.count > 0)
        return true;
    outcome_error(outcome, "this backup names no objects, or more than a record keeps: hold it "
                           "against a file, or remove the line");
    return false;
}

static void same_as_last_verified(const struct subject *subject,
                                  const struct schema_expectation *expected,
                                  struct outcome *outcome)
{
    const struct record *previous = subject->previous;
    bool differ = false;
    if (subject->facts->previous.failed) {
        outcome_from_error(outcome, &subject->facts->previous.error);
        return;
    }
    if (!keeps_definitions(subject, outcome))
        return;
    if (!previous || previous->definitions.count == 0) {
        warn_of_no_previous(subject, "the definitions are in the record from now on",
                            "its definitions are", outcome);
        return;
    }
    if (migrations_differ(subject, &differ, outcome) < 0)
        return;
    struct side before = {.pg_dump = previous->definitions.pg_dump,
                          .server = previous->definitions.server};
    schema_of_definitions(&previous->definitions, &before.schema);
    cleanup(free_pointer) char *allowed =
        differ ? xasprintf("as the migrations have changed since %s", previous->backup) : NULL;
    compare(subject, expected, &before, previous->backup, allowed, outcome);
    schema_free(&before.schema);
}

/* --- a file ----------------------------------------------------------------------------------- */

static void same_as_file(const struct subject *subject, const struct schema_expectation *expected,
                         struct outcome *outcome)
{
    static const struct archive_options options = {.threads = 1, .is_part = true};
    cleanup(archive_free) struct archive archive = {0};
    struct error error;
    struct side before;
    if (archive_read(&archive, expected->file, &options, &error) < 0) {
        outcome_error(outcome, "the schema in %s cannot be read: %s", expected->file, error.text);
        return;
    }
    side_of_archive(&archive, &before);
    if (before.schema.count == 0)
        outcome_error(outcome,
                      "%s defines nothing: name a file that `pg_dump --schema-only` has written",
                      expected->file);
    else
        compare(subject, expected, &before, expected->file, NULL, outcome);
    schema_free(&before.schema);
}

/* --- migrations ------------------------------------------------------------------------------- */

static void same_as_migrations(const struct subject *subject,
                               const struct schema_expectation *expected, struct outcome *outcome)
{
    struct side before;
    if (!subject->from_migrations) {
        outcome_error(outcome, "%s",
                      subject->migrations_problem ? subject->migrations_problem->text
                                                  : "the migrations were not run");
        return;
    }
    side_of_archive(subject->from_migrations, &before);
    if (before.schema.count == 0)
        outcome_error(outcome,
                      "the command of `migration` exited with code 0 and made nothing of an empty "
                      "database: does it run the migrations, and commit what they do?");
    else
        compare(subject, expected, &before, "the migrations", NULL, outcome);
    schema_free(&before.schema);
}

void schema_expected(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct schema_expectation *expected = parameter;
    switch (expected->reference) {
    case SCHEMA_AS_DUMP:
        schema_same_as_dump(subject, outcome);
        break;
    case SCHEMA_AS_LAST_VERIFIED:
        same_as_last_verified(subject, expected, outcome);
        break;
    case SCHEMA_AS_MIGRATIONS:
        same_as_migrations(subject, expected, outcome);
        break;
    case SCHEMA_AS_FILE:
        same_as_file(subject, expected, outcome);
        break;
    case SCHEMA_GRANTS_AS_FILE:
        break; /* grants_expected looks at them */
    case SCHEMA_MEASURED:
        sequences_behind(subject, &expected->number, outcome);
        break;
    }
}
