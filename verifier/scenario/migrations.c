/* The sections `alembic` and `migrations`: what the migrations must have come to, for one history
 * or for several in a list. */
#include <stdlib.h>
#include <string.h>

#include "scenario/sections.h"

/* --- version ---------------------------------------------------------------------------------- */

/* Adds a revision; the forms that Alembic itself gives a meaning to are not revisions. */
static void add_revision(struct reader *reader, const struct node *node, const char *revision,
                         size_t offset, struct strings *revisions)
{
    static const char *const meanings[] = {"head", "known", "heads", "base", "current"};
    struct mark mark = node_mark_at(node, offset);
    cleanup(free_pointer) char *words = shown(revision);
    for (size_t i = 0; i < ARRAY_LENGTH(meanings); i++) {
        if (strcmp(revision, meanings[i]) != 0)
            continue;
        problems_add(&reader->problems, mark,
                     "`%s` is no revision: `version` is head, known, same as dump, same as last "
                     "verified, or only revisions",
                     words);
        return;
    }
    if (strpbrk(revision, "@+-:,;/\\\"'`(){}[]<>|&$*?!#="))
        problems_add(&reader->problems, mark,
                     "`%s` is no revision: several are separated by blanks or stand in a list",
                     words);
    else if (strings_contain(revisions, revision))
        problems_add(&reader->problems, mark, "the revision `%s` stands here twice", words);
    else
        strings_add(revisions, revision);
}

static void add_revisions(struct reader *reader, const struct node *node, struct strings *revisions)
{
    static const char blanks[] = " \t\r\n";
    size_t offset = strspn(node->text, blanks);
    while (node->text[offset]) {
        size_t length = strcspn(node->text + offset, blanks);
        cleanup(free_pointer) char *revision = xstrndup(node->text + offset, length);
        add_revision(reader, node, revision, offset, revisions);
        offset += length;
        offset += strspn(node->text + offset, blanks);
    }
}

/* Is it one of the words for a version? */
static bool version_of(const char *text, enum version_wanted *ret_version)
{
    static const struct {
        const char *text;
        enum version_wanted version;
    } words[] = {{"head", VERSION_HEAD},
                 {"known", VERSION_KNOWN},
                 {"same as dump", VERSION_SAME_AS_DUMP},
                 {"same as last verified", VERSION_SAME_AS_LAST_VERIFIED}};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (strcmp(text, words[i].text) == 0) {
            *ret_version = words[i].version;
            return true;
        }
    return false;
}

/* `version: {warn: head}`, as `- warn: row_count >= 1` for tables; gives what stands behind. */
static const struct node *without_warn(const struct node *value, bool *ret_warn)
{
    if (value->kind != NODE_MAP || value->count != 1 || strcmp(value->keys[0].text, "warn") != 0)
        return value;
    *ret_warn = true;
    return &value->items[0];
}

static void read_version(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    static const char wanted[] =
        "head, known, same as dump, same as last verified, or one or more revisions";
    struct alembic_expectation *alembic = field;
    alembic->version = VERSION_LISTED;
    value = without_warn(value, &alembic->warn);
    if (value->kind == NODE_LIST && value->count > 0) {
        for (size_t i = 0; i < value->count; i++)
            if (line_text(reader, key, &value->items[i], "a revision in each item"))
                add_revisions(reader, &value->items[i], &alembic->revisions);
        return;
    }
    const char *text = line_text(reader, key, value, wanted);
    if (!text || version_of(text, &alembic->version))
        return;
    if (starts_with(text, "same as"))
        problems_add(&reader->problems, value->mark, "`%s` expects %s", key->name, wanted);
    else
        add_revisions(reader, value, &alembic->revisions);
}

/* --- the other keys --------------------------------------------------------------------------- */

static void read_directories(struct reader *reader, const struct key *key, const struct node *value,
                             void *field)
{
    struct strings *directories = field;
    bool several = value->kind == NODE_LIST && value->count > 0;
    size_t count = several ? value->count : 1;
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *directory = NULL;
        read_directory(reader, key, several ? &value->items[i] : value, &directory);
        if (directory && strings_contain(directories, directory))
            problems_add(&reader->problems, value->items[i].mark,
                         "the directory stands here twice");
        else if (directory)
            strings_add(directories, directory);
    }
}

#define FIELD(member) offsetof(struct alembic_expectation, member)

static const struct key keys[] = {
    {"version", read_version, 0, FIELD(mark), true},
    {"migrations", read_directories, FIELD(migrations), FIELD(files_mark), false},
    {"config", read_file, FIELD(config), FIELD(files_mark), false},
    {"table", read_line, FIELD(table), NO_MARK, false},
};

static void read_alembic_history(struct reader *reader, const char *name, const struct node *value)
{
    struct scenario *scenario = reader->scenario;
    scenario->alembic =
        xreallocarray(scenario->alembic, scenario->alembic_count + 1, sizeof(*scenario->alembic));
    struct alembic_expectation *alembic = &scenario->alembic[scenario->alembic_count++];
    *alembic = (struct alembic_expectation){0};
    read_section(reader, name, keys, ARRAY_LENGTH(keys), value, alembic);
    if (!alembic->table)
        alembic->table = xstrdup("alembic_version");
}

/* A section that is one history, or a list of them. */
static void read_histories(struct reader *reader, const char *name, const struct node *value,
                           void (*read)(struct reader *reader, const char *name,
                                        const struct node *value))
{
    if (value->kind != NODE_LIST || value->count == 0) {
        read(reader, name, value);
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        read(reader, name, &value->items[i]);
}

void read_alembic(struct reader *reader, const struct key *key, const struct node *value,
                  void *field)
{
    (void)field;
    read_histories(reader, key->name, value, read_alembic_history);
}

/* --- other tools ------------------------------------------------------------------------------ */

static void read_tool(struct reader *reader, const struct key *key, const struct node *value,
                      void *field)
{
    const char *text = line_text(reader, key, value,
                                 "django, rails, flyway, prisma, goose, golang-migrate or knex");
    const char *names[TOOL_COUNT];
    if (!text)
        return;
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        names[i] = migration_tool_name(i);
        if (i != TOOL_ALEMBIC && strcmp(text, names[i]) == 0) {
            *(enum migration_tool *)field = i;
            return;
        }
    }
    cleanup(free_pointer) char *words = value_shown(value);
    cleanup(free_pointer) char *near = suggestion(text, names, TOOL_COUNT);
    if (strcmp(text, names[TOOL_ALEMBIC]) == 0)
        problems_add(&reader->problems, value->mark, "Alembic has a section of its own, `alembic`");
    else
        problems_add(&reader->problems, value->mark, "%s is no tool that is known%s", words, near);
}

static void read_tool_version(struct reader *reader, const struct key *key,
                              const struct node *value, void *field)
{
    static const char wanted[] = "head, known, same as dump or same as last verified";
    struct migrations_expectation *migrations = field;
    value = without_warn(value, &migrations->warn);
    const char *text = line_text(reader, key, value, wanted);
    if (text && !version_of(text, &migrations->version))
        problems_add(&reader->problems, value->mark, "`%s` expects %s", key->name, wanted);
}

#define TOOL_FIELD(member) offsetof(struct migrations_expectation, member)

static const struct key tool_keys[] = {
    {"tool", read_tool, TOOL_FIELD(tool), TOOL_FIELD(mark), true},
    {"version", read_tool_version, 0, TOOL_FIELD(version_mark), false},
    {"directory", read_directories, TOOL_FIELD(directories), NO_MARK, false},
    {"table", read_line, TOOL_FIELD(table), NO_MARK, false},
};

static void read_tool_history(struct reader *reader, const char *name, const struct node *value)
{
    struct scenario *scenario = reader->scenario;
    scenario->migrations = xreallocarray(scenario->migrations, scenario->migrations_count + 1,
                                         sizeof(*scenario->migrations));
    struct migrations_expectation *migrations = &scenario->migrations[scenario->migrations_count++];
    *migrations = (struct migrations_expectation){.version = VERSION_ANY};
    read_section(reader, name, tool_keys, ARRAY_LENGTH(tool_keys), value, migrations);
    if (!migrations->table)
        migrations->table = xstrdup(migration_tool_table(migrations->tool));
}

void read_migrations(struct reader *reader, const struct key *key, const struct node *value,
                     void *field)
{
    (void)field;
    read_histories(reader, key->name, value, read_tool_history);
}

/* --- together --------------------------------------------------------------------------------- */

static void check_files(struct problems *problems, const struct alembic_expectation *alembic)
{
    bool needed = alembic->version == VERSION_HEAD || alembic->version == VERSION_KNOWN;
    if (alembic->migrations.count > 0 && alembic->config)
        problems_add(problems, alembic->files_mark,
                     "`migrations` and `config` both say where the migrations are: leave one out");
    else if (needed && alembic->migrations.count == 0 && !alembic->config)
        problems_add(problems, alembic->mark,
                     "`version: %s` needs `migrations`, the directory of the migrations, or "
                     "`config`, Alembic's own file",
                     alembic->version == VERSION_HEAD ? "head" : "known");
}

static void check_directory(struct problems *problems,
                            const struct migrations_expectation *migrations)
{
    bool needed = migrations->version == VERSION_HEAD || migrations->version == VERSION_KNOWN;
    if (needed && migrations->directories.count == 0)
        problems_add(problems, migrations->version_mark,
                     "`version: %s` needs `directory`, where the migrations are",
                     migrations->version == VERSION_HEAD ? "head" : "known");
    else if (!needed && migrations->directories.count > 0)
        problems_add(problems, migrations->mark,
                     "`directory` needs `version: head`, or `version: known`");
}

void check_migrations(struct problems *problems, const struct scenario *scenario)
{
    size_t count = 0;
    cleanup(free_pointer) struct version_table *tables = scenario_version_tables(scenario, &count);
    for (size_t i = 0; i < scenario->alembic_count; i++)
        check_files(problems, &scenario->alembic[i]);
    for (size_t i = 0; i < scenario->migrations_count; i++)
        check_directory(problems, &scenario->migrations[i]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(tables[i].name, tables[j].name) == 0)
                problems_add(problems,
                             i < scenario->alembic_count
                                 ? scenario->alembic[i].mark
                                 : scenario->migrations[i - scenario->alembic_count].mark,
                             "the table %s stands here twice: give each history its own `table`",
                             tables[i].name);
}
