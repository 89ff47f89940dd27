/* The section `schema`: what the definitions of the database are held against.
 *
 *     schema:
 *       - same as dump
 *       - same as last verified
 *       - warn: same as schema.sql
 *       - grants same as schema.sql
 *       - sequences behind = 0
 *       - ignore: [TABLE audit.*_2024, INDEX tmp_*]
 */
#include <stdlib.h>
#include <string.h>

#include "scenario/sections.h"

static const char wanted[] = "same as dump, same as last verified, same as migrations, same as "
                             "FILE, grants same as FILE, sequences behind = 0, or ignore: [...]";

/* A file is named as one: from the current directory, and made absolute. */
static char *file_named(struct reader *reader, const struct node *node, const char *name)
{
    static const struct key key = {.name = "schema"};
    struct node file = *node;
    cleanup(free_pointer) char *text = xstrdup(name);
    char *path = NULL;
    file.text = text;
    read_file(reader, &key, &file, &path);
    return path;
}

/* What stands behind `same as`. */
static void read_reference(struct reader *reader, const struct node *node, const char *what,
                           struct schema_expectation *expectation)
{
    if (strcmp(what, "dump") == 0)
        expectation->reference = SCHEMA_AS_DUMP;
    else if (strcmp(what, "last verified") == 0)
        expectation->reference = SCHEMA_AS_LAST_VERIFIED;
    else if (strcmp(what, "migrations") == 0)
        expectation->reference = SCHEMA_AS_MIGRATIONS;
    else {
        expectation->reference = SCHEMA_AS_FILE;
        expectation->file = file_named(reader, node, what);
    }
}

/* Likewise, of one that is a number. */
static int read_number(struct reader *reader, const struct node *node,
                       struct schema_expectation *expectation)
{
    static const struct key key = {.name = "schema"};
    const size_t before = reader->problems.count;
    expectation->reference = SCHEMA_MEASURED;
    read_schema_expectation(reader, &key, node, &expectation->number);
    expectation->number.warn |= expectation->warn;
    return reader->problems.count > before ? -1 : 0;
}

static void add_expectation(struct reader *reader, const struct schema_expectation *expectation)
{
    struct schema_expectations *schema = &reader->scenario->schema;
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->items[i].text, expectation->text) == 0)
            problems_add(&reader->problems, expectation->mark, "`%s` stands here twice",
                         schema->items[i].text);
    schema->items = xreallocarray(schema->items, schema->count + 1, sizeof(*schema->items));
    schema->items[schema->count++] = *expectation;
}

static void read_line_of(struct reader *reader, const struct node *node, bool warn)
{
    static const char same[] = "same as ";
    static const char grants[] = "grants same as ";
    const char *text = node_text(reader, "schema", node, wanted);
    struct schema_expectation expectation = {.warn = warn, .mark = node->mark};
    if (!text)
        return;
    int read = 0;
    if (starts_with(text, same)) {
        read_reference(reader, node, text + strlen(same), &expectation);
    } else if (starts_with(text, grants) && text[strlen(grants)]) {
        expectation.reference = SCHEMA_GRANTS_AS_FILE;
        expectation.file = file_named(reader, node, text + strlen(grants));
    } else if (starts_with(text, "sequences behind")) {
        read = read_number(reader, node, &expectation);
    } else {
        cleanup(free_pointer) char *words = value_shown(node);
        problems_add(&reader->problems, node->mark, "`schema` expects %s, not %s", wanted, words);
        return;
    }
    if (read < 0)
        return;
    expectation.text = xstrdup(text);
    add_expectation(reader, &expectation);
}

/* "TABLE audit.*": in capitals the kind, which may have blanks, then the pattern. */
static void read_pattern(struct reader *reader, const struct node *node)
{
    static const char form[] = "a kind in capitals and a pattern, such as TABLE audit.*";
    const char *text = node_text(reader, "ignore", node, form);
    const char *pattern = text ? strrchr(text, ' ') : NULL;
    if (!text)
        return;
    if (!pattern || pattern[1] == '\0' ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") < (size_t)(pattern - text)) {
        problems_add(&reader->problems, node->mark, "`ignore` expects %s", form);
        return;
    }
    strings_add(&reader->scenario->schema.ignored, text);
}

static void read_item(struct reader *reader, const struct node *node)
{
    const char *key = node->kind == NODE_MAP && node->count == 1 ? node->keys[0].text : "";
    const struct node *value = *key ? &node->items[0] : node;
    if (strcmp(key, "ignore") == 0) {
        if (node_is(reader, key, value, NODE_LIST, "a list"))
            for (size_t i = 0; i < value->count; i++)
                read_pattern(reader, &value->items[i]);
    } else if (!*key || strcmp(key, "warn") == 0) {
        read_line_of(reader, value, *key != '\0');
    } else {
        problems_add(&reader->problems, node->mark, "`schema` expects %s", wanted);
    }
}

void read_schema(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    (void)field;
    if (value->kind != NODE_LIST) {
        read_item(reader, value);
        return;
    }
    if (node_is(reader, key->name, value, NODE_LIST, "a list"))
        for (size_t i = 0; i < value->count; i++)
            read_item(reader, &value->items[i]);
}

void schema_expectations_free(struct schema_expectations *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        free(schema->items[i].file);
        expectation_free(&schema->items[i].number);
        free(schema->items[i].text);
    }
    free(schema->items);
    strings_free(&schema->ignored);
}

void check_schema(struct problems *problems, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->schema.count; i++) {
        const struct schema_expectation *expectation = &scenario->schema.items[i];
        if (expectation->reference != SCHEMA_AS_MIGRATIONS)
            continue;
        if (!scenario->migration.present && scenario->alembic_count == 0)
            problems_add(
                problems, expectation->mark,
                "`same as migrations` needs `migration`, whose command makes the schema of "
                "an empty database");
        if (scenario->migration.tcp)
            problems_add(problems, expectation->mark,
                         "`same as migrations` hands the command a unix socket, and "
                         "`migration.tcp` asks for a port: remove one");
    }
}
