/* The section `alembic`: what the schema's revision must be, for one history of migrations or for
 * several in a list. */
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

static void read_version(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    static const char wanted[] =
        "head, known, same as dump, same as last verified, or one or more revisions";
    static const struct {
        const char *text;
        enum alembic_version version;
    } words[] = {{"head", ALEMBIC_HEAD},
                 {"known", ALEMBIC_KNOWN},
                 {"same as dump", ALEMBIC_SAME_AS_DUMP},
                 {"same as last verified", ALEMBIC_SAME_AS_LAST_VERIFIED}};
    struct alembic_expectation *alembic = field;
    alembic->version = ALEMBIC_REVISIONS;
    if (value->kind == NODE_LIST && value->count > 0) {
        for (size_t i = 0; i < value->count; i++)
            if (line_text(reader, key, &value->items[i], "a revision in each item"))
                add_revisions(reader, &value->items[i], &alembic->revisions);
        return;
    }
    const char *text = line_text(reader, key, value, wanted);
    if (!text)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (strcmp(text, words[i].text) == 0) {
            alembic->version = words[i].version;
            return;
        }
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

static void read_one(struct reader *reader, const char *name, const struct node *value)
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

void read_alembic(struct reader *reader, const struct key *key, const struct node *value,
                  void *field)
{
    (void)field;
    if (value->kind != NODE_LIST || value->count == 0) {
        read_one(reader, key->name, value);
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        read_one(reader, key->name, &value->items[i]);
}

/* --- together --------------------------------------------------------------------------------- */

static void check_files(struct problems *problems, const struct alembic_expectation *alembic)
{
    bool needed = alembic->version == ALEMBIC_HEAD || alembic->version == ALEMBIC_KNOWN;
    if (alembic->migrations.count > 0 && alembic->config)
        problems_add(problems, alembic->files_mark,
                     "`migrations` and `config` both say where the migrations are: leave one out");
    else if (needed && alembic->migrations.count == 0 && !alembic->config)
        problems_add(problems, alembic->mark,
                     "`version: %s` needs `migrations`, the directory of the migrations, or "
                     "`config`, Alembic's own file",
                     alembic->version == ALEMBIC_HEAD ? "head" : "known");
}

void check_alembic(struct problems *problems, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        const struct alembic_expectation *alembic = &scenario->alembic[i];
        check_files(problems, alembic);
        for (size_t j = 0; j < i; j++)
            if (strcmp(alembic->table, scenario->alembic[j].table) == 0) {
                problems_add(problems, alembic->mark,
                             "the table %s stands here twice: give each history its own `table`",
                             alembic->table);
                break;
            }
    }
}
