#include "scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "scenario/include.h"
#include "scenario/sections.h"

enum {
    DEFAULT_TIMEOUT_MS = 30 * 60 * 1000,
    DEFAULT_DUMP_TIMEOUT_MS = 2 * 60 * 60 * 1000,
    DEFAULT_HISTORY_S = 400 * 24 * 60 * 60,
    DEFAULT_NOTIFY_MS = 10 * 1000
};

#define DEFAULT_LOCATION "./backups"

/* Every key of a scenario file stands in one of these tables. */
#define FIELD(member) offsetof(struct scenario, member)
#define NO_FIELD      0

static const struct key source_keys[] = {
    {"database", read_database, FIELD(source.database), NO_MARK, true},
    {"host", read_host, FIELD(source.host), NO_MARK, false},
    {"root_certificate", read_file, FIELD(source.root_certificate), NO_MARK, false},
    {"counts", read_counts, FIELD(source.no_counts), NO_MARK, false},
    {"timeout", read_duration_ms, FIELD(source.timeout_ms), NO_MARK, false},
};

static const struct key backups_keys[] = {
    {"location", read_location, FIELD(backups.location), NO_MARK, false},
    {"endpoint", read_endpoint, FIELD(backups.access.endpoint), NO_MARK, false},
    {"region", read_line, FIELD(backups.access.region), NO_MARK, false},
    {"access_key", read_line, FIELD(backups.access.access_key), NO_MARK, false},
    {"secret_key", read_line, FIELD(backups.access.secret_key), NO_MARK, false},
    {"name", read_backup_name, FIELD(backups.names), FIELD(backups.name_mark), false},
    {"time", read_dating, FIELD(backups.time), NO_MARK, false},
    {"time_zone", read_time_zone, FIELD(backups.time_zone), NO_MARK, false},
    {"database", read_line, FIELD(backups.database), NO_MARK, false},
    {"databases", read_databases, FIELD(backups.all_databases), NO_MARK, false},
    {"max_age", read_duration_s, FIELD(backups.max_age_s), NO_MARK, false},
    {"keep", read_keep, FIELD(backups.keep), NO_MARK, false},
    {"may_be_empty", read_yes_or_no, FIELD(backups.may_be_empty), NO_MARK, false},
};

static const struct key restore_keys[] = {
    {"server", read_server, FIELD(restore.server), NO_MARK, false},
    {"version", read_version_number, FIELD(restore.version), FIELD(restore.version_mark), false},
    {"jobs", read_jobs, FIELD(restore.jobs), NO_MARK, false},
    {"timeout", read_duration_ms, FIELD(restore.timeout_ms), NO_MARK, false},
    {"exclude", read_lines, FIELD(restore.exclude), NO_MARK, false},
    {"contents", read_yes_or_no, FIELD(restore.contents), NO_MARK, false},
    {"amcheck", read_yes_or_no, FIELD(restore.amcheck), NO_MARK, false},
    {"target", read_target, FIELD(restore.target), NO_MARK, false},
    {"trust", read_yes_or_no, FIELD(restore.trust), NO_MARK, false},
};

static const struct key query_keys[] = {
    {"name", read_line, offsetof(struct query, name), offsetof(struct query, mark), true},
    {"sql", read_sql, offsetof(struct query, sql), NO_MARK, true},
    {"expect", read_query_expectation, offsetof(struct query, expect), NO_MARK, true},
};

static const struct key objects_keys[] = {
    {"bucket", read_location, FIELD(objects.bucket), NO_MARK, true},
    {"endpoint", read_endpoint, FIELD(objects.access.endpoint), NO_MARK, false},
    {"region", read_line, FIELD(objects.access.region), NO_MARK, false},
    {"access_key", read_line, FIELD(objects.access.access_key), NO_MARK, false},
    {"secret_key", read_line, FIELD(objects.access.secret_key), NO_MARK, false},
    {"copy", read_directory, FIELD(objects.copy), NO_MARK, false},
    {"checks", read_object_checks, FIELD(objects), NO_MARK, false},
};

static void read_source(struct reader *reader, const struct key *key, const struct node *value,
                        void *field)
{
    (void)field;
    read_section(reader, key->name, source_keys, ARRAY_LENGTH(source_keys), value,
                 reader->scenario);
}

static void read_backups(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    (void)field;
    read_section(reader, key->name, backups_keys, ARRAY_LENGTH(backups_keys), value,
                 reader->scenario);
}

static void read_restore(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    (void)field;
    read_section(reader, key->name, restore_keys, ARRAY_LENGTH(restore_keys), value,
                 reader->scenario);
}

static void read_queries(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    (void)field;
    struct scenario *scenario = reader->scenario;
    if (!node_is(reader, key->name, value, NODE_LIST, "a list of at least one `- name: ...`"))
        return;
    scenario->queries = xcalloc(value->count, sizeof(*scenario->queries));
    for (size_t i = 0; i < value->count; i++) {
        struct query *query = &scenario->queries[scenario->query_count++];
        read_section(reader, key->name, query_keys, ARRAY_LENGTH(query_keys), &value->items[i],
                     query);
    }
}

static void read_objects(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    (void)field;
    struct scenario *scenario = reader->scenario;
    scenario->objects.present = true;
    read_section(reader, key->name, objects_keys, ARRAY_LENGTH(objects_keys), value, scenario);
}

static void read_history(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    struct scenario *scenario = reader->scenario;
    scenario->history.none = value->kind == NODE_TEXT && strcmp(value->text, "none") == 0;
    if (!scenario->history.none)
        read_location(reader, key, value, &scenario->history.location);
    (void)field;
}

static const struct key scenario_keys[] = {
    {"scenario", read_scenario_name, FIELD(name), FIELD(mark), true},
    {INCLUDE_KEY, read_include, NO_FIELD, NO_MARK, false},
    {"source", read_source, NO_FIELD, NO_MARK, false},
    {"backups", read_backups, NO_FIELD, FIELD(backups.mark), false},
    {"restore", read_restore, NO_FIELD, NO_MARK, false},
    {"alembic", read_alembic, NO_FIELD, NO_MARK, false},
    {"migrations", read_migrations, NO_FIELD, NO_MARK, false},
    {"schema", read_schema, NO_FIELD, NO_MARK, false},
    {"tables", read_tables, NO_FIELD, NO_MARK, false},
    {"queries", read_queries, NO_FIELD, NO_MARK, false},
    {"objects", read_objects, NO_FIELD, FIELD(objects.mark), false},
    {"commands", read_commands, NO_FIELD, NO_MARK, false},
    {"migration", read_migration, FIELD(migration), FIELD(migration.mark), false},
    {"checks", read_run_checks, NO_FIELD, NO_MARK, false},
    {"notify", read_notify, FIELD(notify), FIELD(notify.mark), false},
    {"history", read_history, NO_FIELD, NO_MARK, false},
    {"history_keep", read_duration_s, FIELD(history.keep_s), NO_MARK, false},
};

static void check_access(struct problems *problems, const struct store_access *access,
                         struct mark mark)
{
    if (!access->access_key != !access->secret_key)
        problems_add(problems, mark, "`access_key` and `secret_key` need each other");
}

/* Without links and dots, as far as it exists. */
static char *resolve(const char *path)
{
    cleanup(free_pointer) char *head = xstrdup(path);
    size_t kept = strlen(head);
    for (;;) {
        cleanup(free_pointer) char *real = realpath(kept > 0 ? head : ".", NULL);
        if (real)
            return xasprintf("%s/%s", real, path + kept);
        while (kept > 0 && head[kept - 1] == '/')
            kept--;
        while (kept > 0 && head[kept - 1] != '/')
            kept--;
        head[kept] = '\0';
    }
}

/* Is the one the other, or below it? What is in a bucket is in no directory. */
static bool is_within(const char *inner, const char *outer)
{
    if (starts_with(inner, "s3://") || starts_with(outer, "s3://"))
        return false;
    cleanup(free_pointer) char *one = resolve(inner);
    cleanup(free_pointer) char *other = resolve(outer);
    size_t length = strlen(other);
    while (length > 0 && other[length - 1] == '/')
        length--;
    return strncmp(one, other, length) == 0 && (one[length] == '/' || one[length] == '\0');
}

static void check_copy(struct problems *problems, const struct scenario *scenario)
{
    const struct objects *objects = &scenario->objects;
    const char *location = scenario->backups.location;
    bool in_bucket = is_within(objects->copy, objects->bucket);
    bool holds_bucket = is_within(objects->bucket, objects->copy);
    if (in_bucket || holds_bucket)
        problems_add(problems, objects->mark, "`copy` %s: name another directory",
                     in_bucket && holds_bucket ? "is the bucket itself"
                     : in_bucket               ? "lies in the bucket"
                                               : "holds the bucket");
    if (is_within(location ? location : DEFAULT_LOCATION, objects->copy))
        problems_add(problems, objects->mark,
                     "`copy` holds the backups (backups.location), which `sync --delete` would "
                     "delete: name another directory");
}

static void check_objects(struct problems *problems, const struct scenario *scenario)
{
    const struct objects *objects = &scenario->objects;
    check_access(problems, &objects->access, objects->mark);
    if (objects->copy)
        check_copy(problems, scenario);
    for (size_t i = 0; i < objects->check_count && !objects->copy; i++)
        if (objects->checks[i].comparison == COMPARE_SAME_AS || objects->checks[i].of_copy)
            problems_add(problems, objects->checks[i].mark,
                         "`%s` needs `copy`, the directory that `sync` fills",
                         objects->checks[i].of_copy ? "of copy" : "same as copy");
}

static void refuse_with_all(struct problems *problems, bool present, struct mark mark,
                            const char *what)
{
    if (present)
        problems_add(problems, mark,
                     "%s about one database, and `databases: all` means several: give that one a "
                     "scenario of its own, with `database`",
                     what);
}

static void check_databases(struct problems *problems, const struct scenario *scenario)
{
    const struct objects *objects = &scenario->objects;
    if (!scenario->backups.all_databases)
        return;
    if (scenario->backups.database)
        problems_add(problems, scenario->backups.mark,
                     "`database` names one database and `databases: all` means each: remove one");
    for (size_t i = 0; i < scenario->alembic_count; i++)
        refuse_with_all(problems, i == 0, scenario->alembic[i].mark, "`alembic` is");
    for (size_t i = 0; i < scenario->migrations_count; i++)
        refuse_with_all(problems, i == 0, scenario->migrations[i].mark, "`migrations` are");
    for (size_t i = 0; i < scenario->schema.count; i++)
        refuse_with_all(problems, i == 0, scenario->schema.items[i].mark, "`schema` is");
    for (size_t i = 0; i < scenario->table_count; i++)
        refuse_with_all(problems, i == 0, scenario->tables[i].mark, "`tables` are");
    for (size_t i = 0; i < scenario->query_count; i++)
        refuse_with_all(problems, i == 0, scenario->queries[i].mark, "`queries` are");
    for (size_t i = 0; i < scenario->command_count; i++)
        refuse_with_all(problems, i == 0, scenario->commands[i].mark, "`commands` are");
    refuse_with_all(problems, scenario->migration.present, scenario->migration.mark,
                    "`migration` is");
    for (size_t i = 0; i < objects->check_count; i++) {
        const struct expectation *check = &objects->checks[i];
        refuse_with_all(problems,
                        check->metric == METRIC_MISSING || check->metric == METRIC_ORPHANED,
                        check->mark, "`missing` and `orphaned` are");
    }
}

static void check_version(struct problems *problems, const struct scenario *scenario)
{
    if (scenario->restore.version > 0 && scenario->restore.server)
        problems_add(
            problems, scenario->restore.version_mark,
            "`version` is that of a throwaway server, and `server` names one that is there "
            "already: remove one");
}

static void refuse_without_history(struct problems *problems,
                                   const struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (expectation_asks_history(&expectations[i])) {
            cleanup(free_pointer) char *words = shown(expectations[i].text);
            problems_add(problems, expectations[i].mark,
                         "`%s` compares with earlier nights, and with `history: none` nothing "
                         "remembers them: remove one of the two",
                         words);
        }
}

static void check_history(struct problems *problems, const struct scenario *scenario)
{
    if (!scenario->history.none)
        return;
    for (size_t i = 0; i < scenario->table_count; i++)
        refuse_without_history(problems, scenario->tables[i].expectations,
                               scenario->tables[i].count);
    refuse_without_history(problems, scenario->objects.checks, scenario->objects.check_count);
    refuse_without_history(problems, scenario->checks, scenario->check_count);
}

/* What concerns more than one key; only called when every key by itself is good. */
static void check_together(struct reader *reader)
{
    const struct scenario *scenario = reader->scenario;
    struct problems *problems = &reader->problems;
    check_migrations(problems, scenario);
    for (size_t i = 0; i < scenario->query_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(scenario->queries[i].name, scenario->queries[j].name) == 0) {
                cleanup(free_pointer) char *words = shown(scenario->queries[i].name);
                problems_add(problems, scenario->queries[i].mark,
                             "a query named `%s` stands here twice: first on line %u", words,
                             scenario->queries[j].mark.line);
                break;
            }
    check_access(problems, &scenario->backups.access, scenario->backups.mark);
    check_dating(problems, scenario);
    check_databases(problems, scenario);
    check_schema(problems, scenario);
    check_objects(problems, scenario);
    check_migration(problems, scenario);
    check_commands(problems, scenario);
    check_version(problems, scenario);
    check_notify(problems, scenario);
    check_history(problems, scenario);
}

static void fill_defaults(struct scenario *scenario)
{
    if (!scenario->backups.location)
        scenario->backups.location = path_absolute(DEFAULT_LOCATION);
    if (backup_names_count(&scenario->backups.names) == 0)
        scenario->backups.names.patterns[PART_WHOLE] =
            xasprintf("%s_%%Y%%m%%d.dump.gz", scenario->name);
    if (scenario->source.timeout_ms == 0)
        scenario->source.timeout_ms = DEFAULT_DUMP_TIMEOUT_MS;
    if (scenario->restore.timeout_ms == 0)
        scenario->restore.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (scenario->history.keep_s == 0)
        scenario->history.keep_s = DEFAULT_HISTORY_S;
    if (scenario->notify.timeout_ms == 0)
        scenario->notify.timeout_ms = DEFAULT_NOTIFY_MS;
    for (size_t i = 0; i < scenario->command_count; i++)
        if (scenario->commands[i].timeout_ms == 0)
            scenario->commands[i].timeout_ms = DEFAULT_TIMEOUT_MS;
    if (scenario->migration.timeout_ms == 0)
        scenario->migration.timeout_ms = DEFAULT_TIMEOUT_MS;
}

static void read_content(struct reader *reader, const struct buffer *content)
{
    cleanup(document_freep) struct node *root =
        document_load(content->data, content->length, &reader->problems);
    if (!root)
        return;
    read_included(reader, root, reader->scenario->path);
    read_variables(reader, root);
    read_section(reader, NULL, scenario_keys, ARRAY_LENGTH(scenario_keys), root, reader->scenario);
    if (reader->problems.count == 0)
        check_together(reader);
}

static int load(const char *path, bool looks_only, struct scenario **ret_scenario,
                struct strings *problems)
{
    struct buffer content;
    struct error error;
    cleanup(free_pointer) char *absolute = path_absolute(path);
    if (file_read(absolute, SCENARIO_LIMIT_BYTES, &content, &error) < 0) {
        strings_addf(problems, "%s: %s", path, error.text);
        return -1;
    }
    cleanup(scenario_freep) struct scenario *scenario = xcalloc(1, sizeof(*scenario));
    scenario->path = xstrdup(path);
    struct reader reader = {.scenario = scenario, .looks_only = looks_only};
    read_content(&reader, &content);
    buffer_free(&content);
    if (reader.problems.count > 0) {
        problems_move(&reader.problems, path, problems);
        return -1;
    }
    fill_defaults(scenario);
    *ret_scenario = take(&scenario);
    return 0;
}

int scenario_load(const char *path, struct scenario **ret_scenario, struct strings *problems)
{
    return load(path, false, ret_scenario, problems);
}

int scenario_load_to_look(const char *path, struct scenario **ret_scenario,
                          struct strings *problems)
{
    return load(path, true, ret_scenario, problems);
}

void scenario_included(const char *path, struct strings *ret_paths)
{
    struct buffer content;
    struct error ignored;
    if (file_read(path, SCENARIO_LIMIT_BYTES, &content, &ignored) < 0)
        return;
    cleanup(scenario_freep) struct scenario *scenario = xcalloc(1, sizeof(*scenario));
    struct reader reader = {.scenario = scenario};
    cleanup(document_freep) struct node *root =
        document_load_partly(content.data, content.length, &reader.problems);
    read_included(&reader, root, path);
    for (size_t i = 0; i < scenario->included.count; i++)
        strings_add(ret_paths, scenario->included.items[i]);
    problems_free(&reader.problems);
    buffer_free(&content);
}

void scenario_watch(section_watcher *watcher, void *watching)
{
    const struct node nothing = {.kind = NODE_MAP};
    cleanup(scenario_freep) struct scenario *scenario = xcalloc(1, sizeof(*scenario));
    struct reader reader = {.scenario = scenario, .watcher = watcher, .watching = watching};
    read_section(&reader, NULL, scenario_keys, ARRAY_LENGTH(scenario_keys), &nothing, scenario);
    problems_free(&reader.problems);
}

struct version_table *scenario_version_tables(const struct scenario *scenario, size_t *ret_count)
{
    size_t count = 0;
    struct version_table *tables =
        xcalloc(scenario->alembic_count + scenario->migrations_count + 1, sizeof(*tables));
    for (size_t i = 0; i < scenario->alembic_count; i++)
        tables[count++] = (struct version_table){TOOL_ALEMBIC, scenario->alembic[i].table};
    for (size_t i = 0; i < scenario->migrations_count; i++)
        tables[count++] =
            (struct version_table){scenario->migrations[i].tool, scenario->migrations[i].table};
    *ret_count = count;
    return tables;
}

/* NULL also when the key is missing. */
static char *name_in(const char *content, size_t length)
{
    struct reader reader = {0};
    char *name = NULL;
    cleanup(document_freep) struct node *root =
        document_load_partly(content, length, &reader.problems);
    for (size_t i = 0; root->kind == NODE_MAP && i < root->count; i++) {
        if (strcmp(root->keys[i].text, scenario_keys[0].name) != 0 || root->items[i].broken)
            continue;
        read_variables(&reader, &root->items[i]);
        if (!root->items[i].broken)
            read_scenario_name(&reader, &scenario_keys[0], &root->items[i], &name);
    }
    problems_free(&reader.problems);
    return name;
}

/* Where a mistake stands above it, YAML ends before the name, and its line has to do. */
static char *name_in_line(const char *content)
{
    for (const char *line = content; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (starts_with(line, "scenario:"))
            return name_in(line, strcspn(line, "\n"));
    }
    return NULL;
}

char *scenario_name_read(const char *path)
{
    struct buffer content;
    struct error ignored;
    if (file_read(path, SCENARIO_LIMIT_BYTES, &content, &ignored) < 0)
        return NULL;
    char *name = name_in(content.data, content.length);
    if (!name)
        name = name_in_line(content.data);
    buffer_free(&content);
    return name;
}

static void expectations_free(struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expectation_free(&expectations[i]);
    free(expectations);
}

static void access_free(struct store_access *access)
{
    free(access->endpoint);
    free(access->region);
    free(access->access_key);
    free(access->secret_key);
}

static void objects_free(struct objects *objects)
{
    free(objects->bucket);
    access_free(&objects->access);
    free(objects->copy);
    expectations_free(objects->checks, objects->check_count);
}

static void migrations_free(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        struct alembic_expectation *alembic = &scenario->alembic[i];
        strings_free(&alembic->revisions);
        strings_free(&alembic->migrations);
        free(alembic->config);
        free(alembic->table);
    }
    free(scenario->alembic);
    for (size_t i = 0; i < scenario->migrations_count; i++) {
        strings_free(&scenario->migrations[i].directories);
        free(scenario->migrations[i].table);
    }
    free(scenario->migrations);
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario)
        return;
    for (size_t i = 0; i < scenario->table_count; i++) {
        free(scenario->tables[i].table);
        expectations_free(scenario->tables[i].expectations, scenario->tables[i].count);
    }
    free(scenario->tables);
    for (size_t i = 0; i < scenario->query_count; i++) {
        free(scenario->queries[i].name);
        free(scenario->queries[i].sql);
        expectation_free(&scenario->queries[i].expect);
    }
    free(scenario->queries);
    objects_free(&scenario->objects);
    expectations_free(scenario->checks, scenario->check_count);
    free(scenario->history.location);
    notify_wanted_free(&scenario->notify);
    expectations_free(scenario->migration.checks, scenario->migration.check_count);
    migration_wanted_free(&scenario->migration);
    own_commands_free(scenario);
    strings_free(&scenario->restore.exclude);
    migrations_free(scenario);
    schema_expectations_free(&scenario->schema);
    free(scenario->restore.server);
    free(scenario->backups.location);
    access_free(&scenario->backups.access);
    backup_names_free(&scenario->backups.names);
    free(scenario->backups.time_zone);
    free(scenario->backups.database);
    free(scenario->source.database);
    free(scenario->source.root_certificate);
    strings_free(&scenario->included);
    free(scenario->path);
    free(scenario->name);
    free(scenario);
}

void scenario_freep(struct scenario **scenario)
{
    scenario_free(*scenario);
}
