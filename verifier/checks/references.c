/* Rows that refer to objects: objects that rows refer to and that are missing, objects that no row
 * refers to. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/listed.h"
#include "checks/names.h"
#include "checks/session.h"

/* --- reading them ----------------------------------------------------------------------------- */

/* The type behind domains and arrays: whether its values are keys, whether there are several in a
 * row, the name of the column's own, and whether it is one of PostgreSQL's strings. Strings, enums,
 * numbers and uuids may be keys; what has parts (json, composites) or is no text (bytea) is not. */
static const char type_query[] =
    "with recursive step(type, several, name) as ("
    "select atttypid, false, format_type(atttypid, null) from pg_attribute "
    "where attrelid = $1::regclass and attname = $2 and not attisdropped "
    "union all select case typtype when 'd' then typbasetype else typelem end, "
    "several or typtype <> 'd', name from step join pg_type on oid = type "
    "where typtype = 'd' or typcategory = 'A') "
    "select typcategory in ('S', 'E', 'N') or type = 'uuid'::regtype, several, name, "
    "typcategory = 'S' and type < 16384::oid "
    "from step join pg_type on oid = type where typtype <> 'd' and typcategory <> 'A'";

/* How SQL gives the keys of a column; NULL: the outcome says why. A backup may bring a cast to text
 * of its own for all but PostgreSQL's strings: format() goes past it. */
static char *keys_expression(struct connection *connection, const char *table, const char *label,
                             const char *name, struct outcome *outcome)
{
    const char *const parameters[] = {table, name, NULL};
    cleanup(result_clear) PGresult *type = NULL;
    cleanup(free_pointer) char *column = identifier_quote(name);
    struct error error;
    if (connection_query(connection, type_query, parameters, &type, NULL, &error) < 0) {
        outcome_from_error(outcome, &error);
        return NULL;
    }
    if (PQntuples(type) != 1) {
        column_is_unknown(connection, table, label, name, outcome);
        return NULL;
    }
    if (*PQgetvalue(type, 0, 0) != 't') {
        outcome_mistake(
            outcome,
            "%s.%s is of type %s, whose values are no keys: make a view in the database that "
            "gives each key as text in a row of its own, and name the view's column",
            label, name, PQgetvalue(type, 0, 2));
        return NULL;
    }
    bool several = *PQgetvalue(type, 0, 1) == 't';
    bool string = *PQgetvalue(type, 0, 3) == 't';
    cleanup(free_pointer) char *value =
        several ? xasprintf("pg_catalog.unnest(%s)", column) : xstrdup(column);
    return string ? xasprintf("%s::text", value) : xasprintf("pg_catalog.format('%%s', %s)", value);
}

/* "select keys from table" for "schema.table.column"; NULL: the outcome says why. */
static char *select_column(struct connection *connection, const struct subject *subject,
                           const char *argument, struct outcome *outcome)
{
    const char *dot = strrchr(argument, '.');
    cleanup(free_pointer) char *name = xstrndup(argument, (size_t)(dot - argument));
    cleanup(free_pointer) char *table = session_table(connection, subject, name, outcome);
    cleanup(free_pointer) char *keys =
        table ? keys_expression(connection, table, name, dot + 1, outcome) : NULL;
    return keys ? xasprintf("select %s as reference from %s", keys, table) : NULL;
}

/* Gives each reference once. -1: the outcome says why. */
static int each_reference(const struct subject *subject, const struct expectation *expectation,
                          row_visitor *visit, void *context, struct outcome *outcome)
{
    cleanup(connection_closep) struct connection *connection = session_open(subject, outcome);
    struct buffer sql;
    struct error error;
    if (!connection)
        return -1;
    /* Keys are UTF-8, whatever the database is. */
    if (connection_execute(connection, &error, "SET client_encoding = 'UTF8'") < 0) {
        outcome_from_error(outcome, &error);
        return -1;
    }
    buffer_init(&sql, SIZE_MAX / 2);
    int selected = 0;
    buffer_append_text(&sql, "select distinct reference from (");
    for (size_t i = 0; i < expectation->arguments.count && selected == 0; i++) {
        cleanup(free_pointer) char *column =
            select_column(connection, subject, expectation->arguments.items[i], outcome);
        selected = column ? 0 : -1;
        buffer_printf(&sql, "%s%s", i ? " union all " : "", column ? column : "");
    }
    buffer_append_text(&sql, ") as columns where reference is not null");
    cleanup(free_pointer) char *text = buffer_steal(&sql);
    return selected < 0 ? -1 : session_each(connection, text, visit, context, outcome);
}

static struct reference_rules rules_of(const struct subject *subject,
                                       const struct expectation *expectation)
{
    return (struct reference_rules){.bucket = subject->objects->bucket_name,
                                    .prefix = subject->objects->key_prefix,
                                    .below = listed_prefix(expectation)};
}

/* More of a text is nobody's key, and a column may hold whole pictures. */
enum { NAMED_BYTES = 400 };

/* A set of which the first few are named. */
struct noted {
    int64_t count;
    struct strings named;
};

static void note(struct noted *noted, const char *text, size_t length)
{
    if (noted->count++ >= NAMED_LIMIT)
        return;
    bool cut = length > NAMED_BYTES;
    cleanup(free_pointer) char *printable = key_printable(text, cut ? NAMED_BYTES : length);
    strings_addf(&noted->named, "%s%s", printable, cut ? " ..." : "");
}

static void tell_noted(const char *what, int64_t count, const struct strings *named,
                       struct outcome *outcome)
{
    if (count == 0)
        return;
    if (count > (int64_t)named->count)
        outcome_detail(outcome, "%" PRId64 " %s, the first %zu:", count, what, named->count);
    else
        outcome_detail(outcome, "%" PRId64 " %s:", count, what);
    for (size_t i = 0; i < named->count; i++)
        outcome_detail(outcome, "    %s", named->items[i]);
}

/* "1 of 4211 references: KEY" */
static char *part_text(int64_t count, int64_t all, const char *what, const struct strings *named)
{
    if (count == 0)
        return xasprintf("0 of %" PRId64 " %s", all, what);
    return xasprintf("%" PRId64 " of %" PRId64 " %s%s%.300s", count, all, what,
                     count == 1 ? ": " : ", such as ", named->items[0]);
}

/* --- missing ---------------------------------------------------------------------------------- */

struct missing {
    struct inventory *bucket; /* NULL: only the copy is asked */
    struct inventory *copy;   /* NULL: there is none */
    struct reference_rules rules;
    int64_t references;
    int64_t elsewhere; /* to keys without the prefix */
    int64_t urls;      /* of the lost */
    struct noted lost;
    struct noted only_in_copy;
};

static void look_up(void *context, const PGresult *row)
{
    struct missing *missing = context;
    const char *text = PQgetvalue(row, 0, 0);
    size_t length = (size_t)PQgetlength(row, 0, 0);
    enum reference reference = REFERENCE_MISSING;
    if (missing->bucket)
        reference = inventory_refer(missing->bucket, &missing->rules, text, length);
    bool copied = reference == REFERENCE_MISSING && missing->copy;
    if (copied)
        reference = inventory_refer(missing->copy, &missing->rules, text, length);
    missing->elsewhere += reference == REFERENCE_ELSEWHERE ? 1 : 0;
    if (reference == REFERENCE_NONE || reference == REFERENCE_ELSEWHERE)
        return;
    missing->references++;
    if (reference == REFERENCE_MISSING) {
        note(&missing->lost, text, length);
        missing->urls += reference_is_url(text, length) ? 1 : 0;
    } else if (copied && missing->bucket) {
        note(&missing->only_in_copy, text, length);
    }
}

static void tell_missing(const struct missing *missing, const struct listed_objects *objects,
                         struct outcome *outcome)
{
    cleanup(free_pointer) char *nowhere =
        !missing->copy ? xasprintf("not in %s", objects->bucket.name)
        : !missing->bucket
            ? xasprintf("not in %s", objects->copy.name)
            : xasprintf("neither in %s nor in %s", objects->bucket.name, objects->copy.name);
    cleanup(free_pointer) char *copied =
        xasprintf("only in %s, deleted from the bucket after the copy was made",
                  missing->copy ? objects->copy.name : "");
    tell_noted(nowhere, missing->lost.count, &missing->lost.named, outcome);
    if (missing->urls > 0)
        outcome_detail(outcome,
                       "%" PRId64 " of these are URLs: what another host than the bucket's holds "
                       "is not looked at",
                       missing->urls);
    if (missing->lost.count > 0 && !missing->copy)
        outcome_detail(outcome,
                       "an object that was deleted after the dump cannot be told from one that is "
                       "lost: with `copy`, `sync` keeps it");
    tell_noted(copied, missing->only_in_copy.count, &missing->only_in_copy.named, outcome);
    if (missing->elsewhere > 0)
        outcome_detail(outcome, "%" PRId64 " references to keys that do not begin with %s left out",
                       missing->elsewhere, missing->rules.below);
}

/* Are the stores there that a check of what is missing looks into? */
static bool can_look_up(const struct subject *subject, const struct expectation *expectation,
                        struct outcome *outcome)
{
    const struct listed_objects *objects = subject->objects;
    /* Of the bucket only its name is needed then, to read references by. */
    if (expectation->of_copy && objects->bucket.opened)
        return listed_is_there(&objects->copy, outcome);
    return listed_is_there(&objects->bucket, outcome) && listed_is_there(&objects->copy, outcome);
}

void objects_missing(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_objects *objects = subject->objects;
    if (!can_look_up(subject, expectation, outcome))
        return;
    struct missing missing = {
        .bucket = expectation->of_copy ? NULL : objects->bucket.inventory,
        .copy = objects->copy.inventory,
        .rules = rules_of(subject, expectation),
    };
    if (each_reference(subject, expectation, look_up, &missing, outcome) == 0) {
        cleanup(free_pointer) char *text =
            part_text(missing.lost.count, missing.references,
                      missing.references == 1 ? "reference" : "references", &missing.lost.named);
        cleanup(free_pointer) char *name = objects_value_name(expectation);
        session_judge(expectation, name, (long double)missing.lost.count, text, outcome);
        tell_missing(&missing, objects, outcome);
        /* Nothing was looked up, which may be right, and may be a column that is used no more. */
        if (missing.references == 0 && outcome->verdict == VERDICT_PASS && !outcome->warn)
            outcome_warn(outcome, "no row refers to any object%s%s",
                         expectation->prefix ? " in " : "", listed_prefix(expectation));
    }
    strings_free(&missing.lost.named);
    strings_free(&missing.only_in_copy.named);
}

/* --- orphaned --------------------------------------------------------------------------------- */

struct referring {
    struct inventory *inventory;
    struct reference_rules rules;
};

static void mark(void *context, const PGresult *row)
{
    struct referring *referring = context;
    inventory_refer(referring->inventory, &referring->rules, PQgetvalue(row, 0, 0),
                    (size_t)PQgetlength(row, 0, 0));
}

void objects_orphaned(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_store *store = listed_of(subject, expectation);
    if (!listed_is_there(store, outcome) ||
        (!subject->objects->bucket.opened && !listed_is_there(&subject->objects->bucket, outcome)))
        return;
    struct referring referring = {.inventory = store->inventory,
                                  .rules = rules_of(subject, expectation)};
    if (each_reference(subject, expectation, mark, &referring, outcome) < 0)
        return;
    time_t made = subject->facts->backup.time;
    cleanup(orphans_free) struct orphans orphans;
    inventory_orphaned(store->inventory, referring.rules.below, (int64_t)made * 1000, &orphans);
    cleanup(free_pointer) char *text =
        part_text(orphans.count, orphans.objects, orphans.objects == 1 ? "object" : "objects",
                  &orphans.named);
    cleanup(free_pointer) char *name = objects_value_name(expectation);
    cleanup(free_pointer) char *what = xasprintf("in %s that no row refers to", store->name);
    session_judge(expectation, name, (long double)orphans.count, text, outcome);
    tell_noted(what, orphans.count, &orphans.named, outcome);
    char made_text[TIME_TEXT_SIZE];
    time_format_utc(made, made_text);
    if (orphans.younger > 0)
        outcome_detail(outcome,
                       "%" PRId64 " more are younger than the backup (%s, told by %s), as their "
                       "rows may be: left out",
                       orphans.younger, made_text, subject->facts->backup.time_from);
}
