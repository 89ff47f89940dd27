#include "checks/names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/gaps.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "stages/exclusion.h"

/* --- near names ------------------------------------------------------------------------------- */

/* As a scenario writes them: without quotes. */
static const char tables_sql[] =
    "select nspname || '.' || relname from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where relkind in ('r', 'p', 'f', 'v', 'm') and relpersistence <> 't' "
    "and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_toast' "
    "order by nspname <> 'public', 1";

static const char columns_sql[] = "select attname from pg_attribute where attrelid = $1::regclass "
                                  "and attnum > 0 and not attisdropped order by attnum";

/* Best effort: without them there is nothing to suggest. */
static void list(struct connection *connection, const char *sql, const char *parameter,
                 struct strings *ret_names)
{
    const char *const parameters[] = {parameter, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    if (connection_query(connection, sql, parameter ? parameters : NULL, &result, NULL, &ignored) <
        0)
        return;
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(ret_names, PQgetvalue(result, i, 0));
}

static const char *without_schema(const char *label)
{
    const char *dot = strchr(label, '.');
    return dot ? dot + 1 : label;
}

/* The label whose name is nearest, among those of one schema (NULL: of all). */
static const char *nearest_in(const struct strings *labels, const char *schema, const char *name)
{
    cleanup(free_pointer) const char **names = xcalloc(labels->count, sizeof(*names));
    size_t count = 0;
    size_t length = schema ? strlen(schema) : 0;
    for (size_t i = 0; i < labels->count; i++)
        if (!schema ||
            (strncmp(labels->items[i], schema, length) == 0 && labels->items[i][length] == '.'))
            names[count++] = without_schema(labels->items[i]);
    const char *near = nearest(name, names, count);
    for (size_t i = 0; i < labels->count && near; i++)
        if (without_schema(labels->items[i]) == near)
            return labels->items[i];
    return NULL;
}

/* The label of the same name in another schema, or in other letters; else of a near one. */
static const char *near_table(const struct strings *labels, const char *schema, const char *name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(without_schema(labels->items[i]), name) == 0)
            return labels->items[i];
    for (size_t i = 0; i < labels->count; i++)
        if (strcasecmp(without_schema(labels->items[i]), name) == 0)
            return labels->items[i];
    const char *near = nearest_in(labels, schema, name);
    return near ? near : nearest_in(labels, NULL, name);
}

static const char *near_column(const struct strings *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcasecmp(columns->items[i], name) == 0)
            return columns->items[i];
    return nearest(name, (const char *const *)columns->items, columns->count);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A name in a scenario, taken apart. */
struct name {
    char *schema; /* NULL: none is named */
    const char *table;
};

static struct name name_split(const char *text)
{
    const char *dot = strchr(text, '.');
    return (struct name){.schema = dot ? xstrndup(text, (size_t)(dot - text)) : NULL,
                         .table = dot ? dot + 1 : text};
}

static void name_free(struct name *name)
{
    free(name->schema);
}

static const char *schema_of(const struct name *name)
{
    return name->schema ? name->schema : "public";
}

/* Is it in the archive, and left out on request? */
static bool is_left_out(const struct subject *subject, const struct name *name)
{
    const struct archive *archive = subject->archive;
    cleanup(exclusion_free) struct exclusion exclusion;
    exclusion_find(archive, &subject->scenario->restore.exclude, &exclusion);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (exclusion.left_out[i] && entry_is_relation(&archive->entries[i]) &&
            strcmp(name->table, archive->entries[i].tag) == 0 &&
            strcmp(schema_of(name), archive->entries[i].schema) == 0)
            return true;
    return false;
}

static bool knows(const struct table_counts *tables, const struct name *name)
{
    return table_counts_find(tables, schema_of(name), name->table) != NULL;
}

/* Where the table should be, in words, if anything says that it should; NULL: nothing does. */
static char *who_knows(const struct subject *subject, const char *table, const struct name *name)
{
    if (archive_has_relation(subject->archive, table))
        return xstrdup("the archive holds");
    if (subject->manifest && knows(&subject->manifest->tables, name))
        return xstrdup("the manifest of its dump names");
    if (subject->previous && knows(&subject->previous->tables, name))
        return xasprintf("%s, the last backup that verified, had", subject->previous->backup);
    return NULL;
}

void table_is_unknown(struct connection *connection, const struct subject *subject,
                      const char *table, struct outcome *outcome)
{
    cleanup(name_free) struct name name = name_split(table);
    cleanup(strings_free) struct strings labels = {0};
    cleanup(free_pointer) char *knowing = who_knows(subject, table, &name);
    list(connection, tables_sql, NULL, &labels);
    const char *near = near_table(&labels, schema_of(&name), name.table);
    if (is_left_out(subject, &name))
        outcome_mistake(
            outcome,
            "restore.exclude leaves the table %s out, so that nothing can be said of it: "
            "remove one of the two",
            table);
    else if (knowing)
        outcome_fail(outcome, "the restored database has no table %s, which %s", table, knowing);
    else if (near)
        outcome_mistake(outcome,
                        "the restored database has no table %s: did you mean `%s`? Correct the "
                        "scenario",
                        table, near);
    else if (subject->previous)
        outcome_mistake(outcome,
                        "the restored database has no table %s, nor had %s, the last backup that "
                        "verified: correct the scenario",
                        table, subject->previous->backup);
    else
        outcome_fail(outcome,
                     "the restored database has no table %s, and nothing tells whether the source "
                     "ever had it: look there, and correct the scenario if it did not",
                     table);
}

char *relation_suggestion(struct connection *connection, const char *relation)
{
    cleanup(name_free) struct name name = name_split(relation);
    cleanup(strings_free) struct strings labels = {0};
    list(connection, tables_sql, NULL, &labels);
    const char *near = near_table(&labels, schema_of(&name), name.table);
    return near ? xasprintf(": did you mean `%s`?", near) : xstrdup("");
}

/* --- columns ---------------------------------------------------------------------------------- */

void column_is_unknown(struct connection *connection, const char *table, const char *label,
                       const char *column, struct outcome *outcome)
{
    cleanup(strings_free) struct strings columns = {0};
    list(connection, columns_sql, table, &columns);
    const char *near = near_column(&columns, column);
    if (near)
        outcome_mistake(outcome, "%s has no column %s: did you mean `%s`? Correct the scenario",
                        label, column, near);
    else
        outcome_mistake(outcome, "%s has no column %s: correct the scenario", label, column);
}
