#include "scenario/json_schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/migration_tool.h"
#include "base/restore_target.h"
#include "scenario/include.h"
#include "scenario/sections.h"

/* --- what a value may be ---------------------------------------------------------------------- */

/* YAML makes numbers of what are texts to us. */
static json_t *any_text(void)
{
    return json_pack("{s:[s,s,s], s:i}", "type", "string", "number", "boolean", "minLength", 1);
}

/* A text that the expression describes, or one with a variable in it. */
static json_t *text_like(const char *regex)
{
    cleanup(free_pointer) char *whole = xasprintf("(%s)|\\$\\{", regex);
    return json_pack("{s:s, s:s}", "type", "string", "pattern", whole);
}

/* One of a list of texts, or a variable. */
static json_t *one_of(json_t *names)
{
    return json_pack("{s:[{s:o}, o]}", "anyOf", "enum", names, text_like("\\$\\{"));
}

static json_t *number_like(int low, int high)
{
    return json_pack("{s:[{s:s, s:i, s:i}, o]}", "anyOf", "type", "integer", "minimum", low,
                     "maximum", high, text_like("^0*[1-9][0-9]*$"));
}

static json_t *major_version(void)
{
    return number_like(10, 999);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items", items);
}

static json_t *one_or_list(json_t *item)
{
    json_t *same = json_deep_copy(item);
    return json_pack("{s:[o, o]}", "anyOf", same, list_of(item));
}

/* Also as `warn: ...`. */
static json_t *or_warn(json_t *value)
{
    json_t *same = json_deep_copy(value);
    return json_pack("{s:[o, {s:s, s:{s:o}, s:[s], s:b}]}", "anyOf", same, "type", "object",
                     "properties", "warn", value, "required", "warn", "additionalProperties", 0);
}

static json_t *expectation_like(char *regex)
{
    json_t *expectation = or_warn(text_like(regex));
    free(regex);
    return expectation;
}

static json_t *yes_or_no(void)
{
    return json_pack("{s:[{s:s}, o]}", "anyOf", "type", "boolean",
                     text_like("^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|"
                               "[Oo][Nn]|[Oo][Ff][Ff])$"));
}

/* Names as they are stored, each with its expectations. */
static json_t *tables(void)
{
    return json_pack("{s:s, s:i, s:{s:s}, s:o}", "type", "object", "minProperties", 1,
                     "propertyNames", "pattern", "^[^.\"`]+(\\.[^.\"`]+)?$", "additionalProperties",
                     list_of(expectation_like(table_expectation_regex())));
}

static json_t *object_checks(void)
{
    return list_of(expectation_like(object_check_regex()));
}

static json_t *run_checks(void)
{
    return list_of(expectation_like(run_check_regex()));
}

static json_t *query_expectation(void)
{
    return expectation_like(query_expectation_regex());
}

static json_t *lines(void)
{
    return list_of(any_text());
}

/* Of an environment: an empty value is a value. */
static json_t *variables(void)
{
    return json_pack("{s:s, s:i, s:{s:s}, s:{s:[s,s,s]}}", "type", "object", "minProperties", 1,
                     "propertyNames", "pattern", "^[A-Za-z_][A-Za-z0-9_]*$", "additionalProperties",
                     "type", "string", "number", "boolean");
}

static json_t *any_path(void)
{
    return text_like("^(?!(~|\\$HOME)/)(?!.*://)");
}

static json_t *paths(void)
{
    return one_or_list(any_path());
}

static json_t *shared_files(void)
{
    return one_or_list(text_like("\\.ya?ml$"));
}

static json_t *definitions(void)
{
    json_t *patterns =
        json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties", "ignore", lines(),
                  "required", "ignore", "additionalProperties", 0);
    json_t *reference = or_warn(text_like("^(grants )?same as ."));
    json_t *number = expectation_like(schema_expectation_regex());
    return one_or_list(json_pack("{s:[o, o, o]}", "anyOf", reference, number, patterns));
}

static json_t *target(void)
{
    const char *const *known;
    const size_t count = restore_target_names(&known);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(known[i]));
    return one_of(names);
}

/* Some revisions are numbers to YAML. */
static json_t *revisions(void)
{
    json_t *text =
        text_like("^(same as (dump|last verified)|(?!same as)[^@+:,;/\\\\\"'`(){}|&*?!#=]+)$");
    json_t *revision = json_pack("{s:[{s:s}, o]}", "anyOf", "type", "number", text);
    return or_warn(one_or_list(revision));
}

static json_t *tool_version(void)
{
    return or_warn(text_like("^(head|known|same as dump|same as last verified)$"));
}

static json_t *tool(void)
{
    json_t *names = json_array();
    for (enum migration_tool i = 0; i < TOOL_COUNT; i++)
        if (i != TOOL_ALEMBIC) /* has a section of its own */
            json_array_append_new(names, json_string(migration_tool_name(i)));
    return one_of(names);
}

static json_t *period(void)
{
    return number_like(1, 1000);
}

static json_t *jobs(void)
{
    return number_like(1, 64);
}

typedef void value_reader(struct reader *reader, const struct key *key, const struct node *value,
                          void *field);

/* Which may be text of one form, or what a function makes. */
/* A name or an address, and perhaps a port (base/web_url.h). */
#define WEB_HOST                                                                                   \
    "(\\[[0-9A-Fa-f:.]+\\]|[^/?#:@,\\s\\[\\]\\\\]+)"                                               \
    "(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"

static const struct value_kind {
    value_reader *read;  /* NULL: known by its place, since others cannot see its reader */
    const char *section; /* only for these: a key that its section has too, and the key itself */
    const char *key;
    const char *regex;
    json_t *(*make)(void);
} value_kinds[] = {
    {.read = read_line, .make = any_text},
    {.read = read_sql, .make = any_text},
    {.read = read_lines, .make = lines},
    {.read = read_command, .make = lines},
    {.read = read_environment, .make = variables},
    {.read = read_notify_url, .regex = "^https?://([^/?#\\s]*@)?" WEB_HOST "([/?#]\\S*)?$"},
    {.read = read_notify_format, .regex = "^(ping|slack|json)$"},
    {.read = read_duration_s, .regex = "^0*[1-9][0-9]*[smhd]$"},
    {.read = read_duration_ms, .regex = "^0*[1-9][0-9]*[smhd]$"},
    {.read = read_yes_or_no, .make = yes_or_no},
    {.read = read_tables, .make = tables},
    {.read = read_object_checks, .make = object_checks},
    {.read = read_run_checks, .make = run_checks},
    {.read = read_query_expectation, .make = query_expectation},
    {.read = read_host, .regex = "^(render|supabase|neon|self-hosted)$"},
    {.read = read_counts, .regex = "^(exact|none)$"},
    {.read = read_database, .regex = "^(postgres(ql)?://|postgresql\\+.*://)|="},
    {.read = read_server, .regex = "^(throwaway$|postgres(ql)?://)"},
    {.read = read_location, .regex = "^(s3://[^/]|(?!(~|\\$HOME)/)(?!.*://))"},
    {.read = read_directory, .make = any_path},
    {.read = read_file, .make = any_path},
    {.read = read_endpoint, .regex = "^https?://" WEB_HOST "([/?#][^@\\s]*)?$"},
    {.read = read_backup_name, .regex = "^[^/]+$"},
    {.read = read_include, .make = shared_files},
    {.read = read_dating, .regex = "^(name|header|modified)$"},
    {.read = read_time_zone, .make = any_text},
    {.read = read_databases, .regex = "^all$"},
    {.read = read_keep, .regex = "^0*[1-9][0-9]*[smhd]$"},
    {.read = read_jobs, .make = jobs},
    {.read = read_schema, .make = definitions},
    {.read = read_target, .make = target},
    {.read = read_version_number, .make = major_version},
    {.section = "config", .key = "version", .make = revisions},
    {.section = "config", .key = "migrations", .make = paths},
    {.section = "tool", .key = "tool", .make = tool},
    {.section = "tool", .key = "version", .make = tool_version},
    {.section = "tool", .key = "directory", .make = paths},
    {.section = "weekly", .key = "daily", .make = period},
    {.section = "weekly", .key = "weekly", .make = period},
    {.section = "weekly", .key = "monthly", .make = period},
    {.section = "weekly", .key = "yearly", .make = period},
    {.section = "pre_data", .key = "", .regex = "^[^/]+$"},
};

static bool has_key(const struct key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, name) == 0)
            return true;
    return false;
}

/* NULL: nothing is known of it. */
static json_t *value_like(const struct key *keys, size_t count, const struct key *key)
{
    /* The name of a scenario is digits as well, if somebody likes that. */
    if (key->read == read_scenario_name)
        return json_pack("{s:[s,s], s:s}", "type", "string", "integer", "pattern",
                         "^[A-Za-z0-9_-]{1,100}$|\\$\\{");
    for (size_t i = 0; i < ARRAY_LENGTH(value_kinds); i++) {
        const struct value_kind *kind = &value_kinds[i];
        bool here = kind->read ? kind->read == key->read
                               : has_key(keys, count, kind->section) &&
                                     (!*kind->key || strcmp(kind->key, key->name) == 0);
        if (here)
            return kind->make ? kind->make() : text_like(kind->regex);
    }
    return NULL;
}

/* --- what the parser tells -------------------------------------------------------------------- */

/* What is being learned of one value. */
struct watching {
    const struct node *map;  /* what is offered as a mapping */
    const struct node *item; /* or in a list */
    json_t *found;           /* what it may be, of which each is enough */
};

static void watch(struct reader *reader, const struct key *keys, size_t count,
                  const struct node *node, void *target);

/* Offers a value that is a mapping, and one that is a list of them, and sees which is taken for a
 * section. The mappings are empty, so that no reader finds anything in them. */
static json_t *learn_value(struct reader *reader, const struct key *keys, size_t count,
                           const struct key *key, void *field)
{
    struct node item = {.kind = NODE_MAP};
    const struct node map = {.kind = NODE_MAP};
    const struct node list = {.kind = NODE_LIST, .items = &item, .count = 1};
    struct watching watching = {.map = &map, .item = &item, .found = json_array()};
    void *outer = reader->watching;
    reader->watching = &watching;
    key->read(reader, key, &map, field);
    key->read(reader, key, &list, field);
    reader->watching = outer;
    json_t *text = value_like(keys, count, key);
    if (text)
        json_array_append_new(watching.found, text);
    if (json_array_size(watching.found) > 1)
        return json_pack("{s:o}", "anyOf", watching.found);
    json_t *only = json_incref(json_array_get(watching.found, 0));
    json_decref(watching.found);
    return only ? only : json_object();
}

static void watch(struct reader *reader, const struct key *keys, size_t count,
                  const struct node *node, void *target)
{
    struct watching *watching = reader->watching;
    if (watching->map && node != watching->map && node != watching->item)
        return; /* a section that would be refused, because it is a list */
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(
            properties, keys[i].name,
            learn_value(reader, keys, count, &keys[i], (char *)target + keys[i].field));
        if (keys[i].required)
            json_array_append_new(required, json_string(keys[i].name));
    }
    json_t *section =
        json_pack("{s:s, s:i, s:o, s:o, s:b}", "type", "object", "minProperties", 1, "properties",
                  properties, "required", required, "additionalProperties", 0);
    json_array_append_new(watching->found, node == watching->item ? list_of(section) : section);
}

/* Takes from a section what it must have, where that is more than to be told from others. */
static json_t *take_required(json_t *section)
{
    json_t *required = json_object_get(section, "required");
    if (!json_object_get(section, "minProperties") || json_array_size(required) == 0)
        return NULL;
    json_incref(required);
    json_object_del(section, "required");
    return required;
}

/* What sections must have may stand in an included file: it is demanded where nothing is. */
static void require_without_include(json_t *schema)
{
    json_t *sections = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(schema, "properties"), name, value)
    {
        json_t *required = take_required(value);
        for (size_t i = 0; i < json_array_size(json_object_get(value, "anyOf")) && !required; i++)
            required = take_required(json_array_get(json_object_get(value, "anyOf"), i));
        if (required)
            json_object_set_new(sections, name, json_pack("{s:o}", "required", required));
    }
    json_object_set_new(schema, "if", json_pack("{s:[s]}", "required", INCLUDE_KEY));
    json_object_set_new(schema, "else", json_pack("{s:o}", "properties", sections));
}

char *scenario_json_schema(void)
{
    struct watching whole = {.found = json_array()};
    scenario_watch(watch, &whole);
    json_t *schema = json_pack(
        "{s:s, s:s, s:s}", "$schema", "http://json-schema.org/draft-07/schema#", "title",
        "A scenario of restore-verifier", "description", "See restore-verifier-scenario(5).");
    json_object_update(schema, json_array_get(whole.found, 0));
    require_without_include(schema);
    char *text = json_dumps(schema, JSON_INDENT(2));
    json_decref(schema);
    json_decref(whole.found);
    return text;
}
