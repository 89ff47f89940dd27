#include "scenario/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "scenario/quantity.h"
#include "scenario/variables.h"

/* All values together, after variables were replaced: a small file must not grow without end. */
enum { TEXT_LIMIT_BYTES = 4 << 20, KEY_LIMIT = 32 };

struct place {
    struct reader *reader;
    const struct node *node;
};

static void tell_variable(void *context, size_t offset, const char *words)
{
    const struct place *place = context;
    problems_add(&place->reader->problems, node_mark_at(place->node, offset), "%s", words);
}

static void tell_nobody(void *context, size_t offset, const char *words)
{
    (void)context;
    (void)offset;
    (void)words;
}

/* Nobody who only looks at backups and histories needs what these sections say. */
static bool is_for_runs(const char *section)
{
    static const char *const sections[] = {"source",  "restore",  "tables", "migration",
                                           "queries", "commands", "notify"};
    for (size_t i = 0; section && i < ARRAY_LENGTH(sections); i++)
        if (strcmp(section, sections[i]) == 0)
            return true;
    return false;
}

/* `section`: the key of the scenario that it is in; or NULL. */
static void replace_variables(struct reader *reader, struct node *node, const char *section,
                              size_t *left)
{
    if (node->kind != NODE_TEXT) {
        for (size_t i = 0; i < node->count; i++)
            replace_variables(reader, &node->items[i], section, left);
        return;
    }
    if (node->broken || !strchr(node->text, '$'))
        return;
    struct place place = {reader, node};
    variable_problem *tell =
        reader->looks_only && is_for_runs(section) ? tell_nobody : tell_variable;
    char *text = NULL;
    if (variables_replace(node->text, *left, section, getenv, &text, tell, &place) < 0) {
        node->broken = true;
        return;
    }
    *left -= strlen(text);
    if (strcmp(text, node->text) == 0) {
        free(text);
        return;
    }
    node->written = node->text;
    node->text = text;
    node->verbatim = false;
}

static bool lacks_something(const struct node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (lacks_something(&node->items[i]))
            return true;
    return node->broken;
}

void read_variables(struct reader *reader, struct node *node)
{
    size_t left = TEXT_LIMIT_BYTES;
    if (node->kind != NODE_MAP) {
        replace_variables(reader, node, NULL, &left);
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        replace_variables(reader, &node->items[i], node->keys[i].text, &left);
    for (size_t i = node->count; i > 0 && reader->looks_only; i--) {
        cleanup(free_pointer) char *section = xstrdup(node->keys[i - 1].text);
        if (is_for_runs(section) && lacks_something(&node->items[i - 1]))
            node_drop_key(node, section);
    }
}

static const char *found_words(const struct node *node)
{
    if (node_is_null(node))
        return "nothing";
    if (node->kind == NODE_LIST)
        return node->count > 0 ? "a list" : "an empty list";
    if (node->kind == NODE_MAP)
        return node->count > 0 ? "a mapping" : "an empty mapping";
    return node->text && *node->text ? "a text" : "an empty text";
}

bool node_is(struct reader *reader, const char *name, const struct node *node, enum node_kind kind,
             const char *wanted)
{
    if (node->broken)
        return false;
    bool empty = kind == NODE_TEXT ? !node->text || *node->text == '\0' : node->count == 0;
    if (node->kind == kind && !empty && !node_is_null(node))
        return true;
    problems_add(&reader->problems, node->mark, "`%s` expects %s, found %s", name, wanted,
                 found_words(node));
    return false;
}

const char *node_text(struct reader *reader, const char *name, const struct node *node,
                      const char *wanted)
{
    return node_is(reader, name, node, NODE_TEXT, wanted) ? node->text : NULL;
}

char *value_shown(const struct node *node)
{
    cleanup(free_pointer) char *words = shown(node->written ? node->written : node->text);
    return xasprintf(node->written ? "the value of `%s`" : "`%s`", words);
}

static const struct key *key_find(const struct key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static void unknown_key(struct reader *reader, const char *section, const struct key *keys,
                        size_t count, const struct node *found)
{
    const char *names[KEY_LIMIT];
    for (size_t i = 0; i < count && i < KEY_LIMIT; i++)
        names[i] = keys[i].name;
    cleanup(free_pointer) char *words = shown(found->text);
    cleanup(free_pointer) char *near = suggestion(found->text, names, count);
    problems_add(&reader->problems, found->mark, "unknown key `%s`%s%s%s%s", words,
                 section ? " in `" : "", section ? section : "", section ? "`" : "", near);
}

void read_section(struct reader *reader, const char *name, const struct key *keys, size_t count,
                  const struct node *node, void *target)
{
    if (reader->watcher) {
        reader->watcher(reader, keys, count, node, target);
        return;
    }
    cleanup(free_pointer) char *wanted = xasprintf("keys such as `%s: ...`", keys[0].name);
    if (!name && node->kind != NODE_MAP && !node->broken) {
        problems_add(&reader->problems, node->mark, "a scenario begins with `scenario: NAME`");
        return;
    }
    if (!node_is(reader, name ? name : "scenario", node, NODE_MAP, wanted))
        return;
    bool seen[KEY_LIMIT] = {false};
    for (size_t i = 0; i < node->count; i++) {
        const struct key *key = key_find(keys, count, node->keys[i].text);
        const struct node *value = &node->items[i];
        if (!key) {
            unknown_key(reader, name, keys, count, &node->keys[i]);
            continue;
        }
        seen[key - keys] = true;
        /* A mapping begins a line below its key, where nobody would look for it. */
        const struct mark *mark = value->kind == NODE_MAP ? &node->keys[i].mark : &value->mark;
        if (key->mark != NO_MARK)
            memcpy((char *)target + key->mark, mark, sizeof(*mark));
        if (!value->broken)
            key->read(reader, key, value, (char *)target + key->field);
    }
    for (size_t i = 0; i < count; i++)
        if (keys[i].required && !seen[i])
            problems_add(&reader->problems, node->mark, "%s%s%slacks the key `%s`",
                         name ? "`" : "the file ", name ? name : "", name ? "` " : "",
                         keys[i].name);
}

/* Tells without the value, which may be a secret. */
static bool text_is_clean(struct reader *reader, const char *name, const struct node *node)
{
    if (is_printable(node->text))
        return true;
    problems_add(&reader->problems, node->mark, "`%s` holds a control character, or no UTF-8",
                 name);
    return false;
}

/* Only for fields that are still NULL: yaml.c lets no key stand twice. */
static void text_set(void *field, const char *text)
{
    *(char **)field = xstrdup(text);
}

void read_line(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    const char *text = node_text(reader, key->name, value, "a text");
    if (text && text_is_clean(reader, key->name, value))
        text_set(field, text);
}

void read_sql(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    const char *text = node_text(reader, key->name, value, "a query");
    if (!text)
        return;
    if (text[strspn(text, " \t\r\n;")] == '\0')
        problems_add(&reader->problems, value->mark, "`%s` holds no query", key->name);
    else
        text_set(field, text);
}

void read_lines(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    if (!node_is(reader, key->name, value, NODE_LIST, "a list of at least one `- text`"))
        return;
    for (size_t i = 0; i < value->count; i++) {
        const struct node *item = &value->items[i];
        const char *text = node_text(reader, key->name, item, "a text in each item");
        if (text && text_is_clean(reader, key->name, item))
            strings_add(field, text);
    }
}

void read_duration_s(struct reader *reader, const struct key *key, const struct node *value,
                     void *field)
{
    static const char wanted[] = "a duration above zero, such as 90s, 30m, 26h or 30d";
    const char *text = node_text(reader, key->name, value, wanted);
    if (!text)
        return;
    int64_t seconds;
    if (duration_parse(text, &seconds) < 0) {
        cleanup(free_pointer) char *words = value_shown(value);
        problems_add(&reader->problems, value->mark, "`%s` expects %s, found %s", key->name, wanted,
                     words);
        return;
    }
    *(int64_t *)field = seconds;
}

void read_duration_ms(struct reader *reader, const struct key *key, const struct node *value,
                      void *field)
{
    int64_t seconds = -1;
    read_duration_s(reader, key, value, &seconds);
    if (seconds >= 0)
        *(int64_t *)field = seconds * 1000; /* duration_parse allows a century */
}

void read_yes_or_no(struct reader *reader, const struct key *key, const struct node *value,
                    void *field)
{
    static const struct {
        const char *word;
        bool yes;
    } words[] = {{"true", true}, {"false", false}, {"yes", true},
                 {"no", false},  {"on", true},     {"off", false}};
    const char *text = node_text(reader, key->name, value, "true or false");
    if (!text)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *(bool *)field = words[i].yes;
            return;
        }
    }
    cleanup(free_pointer) char *found = value_shown(value);
    problems_add(&reader->problems, value->mark, "`%s` expects true or false, found %s", key->name,
                 found);
}
