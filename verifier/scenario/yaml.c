#include "scenario/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"

enum { DEPTH_LIMIT = 16, NODE_LIMIT = 20000 };

struct loader {
    yaml_parser_t parser;
    const char *content;
    size_t length;
    size_t nodes;
    struct problems *problems;
};

static struct mark mark_of(yaml_mark_t mark)
{
    return (struct mark){.line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1};
}

/* What libyaml says, and what it means to somebody who writes a scenario. */
static const struct {
    const char *libyaml;
    const char *plain;
} plain_words[] = {
    {"mapping values are not allowed in this context",
     "a `:` is not expected here: check the indentation, and put a value that holds `: ` in "
     "quotes"},
    {"did not find expected key", "this does not fit the lines above: check the indentation, and "
                                  "put a value with special characters in quotes"},
    {"did not find expected '-' indicator",
     "this does not fit the list above: check the indentation, each item begins with `- `"},
    {"could not find expected ':'", "a key without `:`"},
    {"block sequence entries are not allowed in this context",
     "a list cannot begin here: begin it on a line of its own"},
    {"block mapping entries are not allowed in this context",
     "a key cannot begin here: begin it on a line of its own"},
    {"found unexpected end of stream", "a quote is opened and not closed"},
    {"found unexpected document indicator", "a quote is opened and not closed"},
    {"did not find expected comment or line break",
     "a value that begins with `>` or `|` must be in quotes, such as '>= 1'"},
    {"did not find expected alphabetic or numeric character",
     "a value that begins with `*` or `&` must be in quotes"},
    {"found unknown escape character",
     "an unknown escape in a value in double quotes: use single quotes"},
    {"did not find expected ',' or ']'", "a `[` list is not closed, or lacks a comma"},
    {"did not find expected ',' or '}'",
     "a `{` mapping is not closed, or lacks a comma; ${NAME} must be in quotes there"},
    {"control characters are not allowed", "a control character, which YAML does not allow"},
    {"invalid leading UTF-8 octet", "the file is not UTF-8"},
    {"invalid trailing UTF-8 octet", "the file is not UTF-8"},
    {"invalid length of a UTF-8 sequence", "the file is not UTF-8"},
    {"incomplete UTF-8 octet sequence", "the file is not UTF-8"},
    {"invalid Unicode character", "the file is not UTF-8"},
};

/* The place of a byte, for errors that come without a mark. */
static struct mark mark_at_byte(const struct loader *loader, size_t offset)
{
    struct mark mark = {.line = 1, .column = 1};
    if (offset > loader->length)
        offset = loader->length;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (loader->content[i] == '\n') {
            mark.line++;
            line_start = i + 1;
        }
    }
    mark.column += (unsigned)utf8_count(loader->content + line_start, offset - line_start);
    return mark;
}

/* The first byte of the character that a mark stands at, '\0' at the end. libyaml's index counts
 * characters. */
static char byte_at(const struct loader *loader, size_t index)
{
    for (size_t i = 0; i < loader->length; i++) {
        if (((unsigned char)loader->content[i] & 0xC0U) == 0x80U)
            continue;
        if (index-- == 0)
            return loader->content[i];
    }
    return '\0';
}

static char *syntax_words(const struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *libyaml = parser->problem ? parser->problem : "something unknown is wrong";
    if (parser->error == YAML_SCANNER_ERROR) {
        char c = byte_at(loader, parser->problem_mark.index);
        if (c == '\t')
            return xstrdup("a tab cannot indent: use spaces");
        if (strcmp(libyaml, "found character that cannot start any token") == 0)
            return xasprintf("a value that begins with `%c` must be in quotes", c);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(plain_words); i++)
        if (strcmp(libyaml, plain_words[i].libyaml) == 0)
            return xstrdup(plain_words[i].plain);
    return xasprintf("no valid YAML: %s", libyaml);
}

static void syntax_problem(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    cleanup(free_pointer) char *words = syntax_words(loader);
    if (parser->error == YAML_READER_ERROR) {
        problems_add(loader->problems, mark_at_byte(loader, parser->problem_offset), "%s", words);
        return;
    }
    struct mark mark = mark_of(parser->problem_mark);
    struct mark begin = mark_of(parser->context_mark);
    if (parser->context && begin.line != mark.line)
        problems_add(loader->problems, mark, "%s (in what begins on line %u)", words, begin.line);
    else
        problems_add(loader->problems, mark, "%s", words);
}

static int next_event(struct loader *loader, yaml_event_t *event)
{
    if (yaml_parser_parse(&loader->parser, event))
        return 0;
    syntax_problem(loader);
    return -1;
}

static void free_event(yaml_event_t *event)
{
    if (event->type != YAML_NO_EVENT)
        yaml_event_delete(event);
}

static void node_free(struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys)
            node_free(&node->keys[i]);
        node_free(&node->items[i]);
    }
    free(node->keys);
    free(node->items);
    free(node->text);
    free(node->written);
    *node = (struct node){0};
}

/* Anchors and tags have no use in a scenario. */
static void refuse_decoration(struct loader *loader, struct node *node, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor)
        problems_add(loader->problems, node->mark,
                     "anchors and aliases are not supported: repeat the value, or put one that "
                     "begins with `&` or `*` in quotes");
    if (tag)
        problems_add(loader->problems, node->mark,
                     "a value that begins with `!` must be in quotes, such as '!= 0'");
    node->broken = anchor || tag;
}

static void read_text(struct loader *loader, const yaml_event_t *event, struct node *node)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    size_t quotes = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 2;
    node->kind = NODE_TEXT;
    node->text = xstrndup(value, length);
    node->quoted = quotes > 0;
    node->verbatim =
        event->start_mark.line == event->end_mark.line &&
        event->end_mark.index - event->start_mark.index == utf8_count(value, length) + quotes;
    refuse_decoration(loader, node, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(value, '\0', length)) {
        problems_add(loader->problems, node->mark, "a value cannot hold a NUL character");
        node->broken = true;
    }
}

static int read_node(struct loader *loader, const yaml_event_t *event, unsigned depth,
                     struct node *node);

/* Makes room for one more at every power of two. */
static struct node *grow(struct node *nodes, size_t count)
{
    if ((count & (count - 1)) != 0)
        return nodes;
    return xreallocarray(nodes, count ? count * 2 : 1, sizeof(*nodes));
}

/* Both return 1 at the end of the collection. */
static int read_item(struct loader *loader, unsigned depth, struct node *list)
{
    cleanup(free_event) yaml_event_t event = {0};
    if (next_event(loader, &event) < 0)
        return -1;
    if (event.type == YAML_SEQUENCE_END_EVENT)
        return 1;
    struct node item = {0};
    if (read_node(loader, &event, depth + 1, &item) < 0) {
        node_free(&item);
        return -1;
    }
    list->items = grow(list->items, list->count);
    list->items[list->count++] = item;
    return 0;
}

static bool key_is_good(struct loader *loader, const struct node *map, const struct node *key)
{
    if (key->kind != NODE_TEXT) {
        problems_add(loader->problems, key->mark, "a key is a word, not a list or a mapping");
        return false;
    }
    if (key->broken)
        return false;
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i].text, key->text) != 0)
            continue;
        cleanup(free_pointer) char *words = shown(key->text);
        problems_add(loader->problems, key->mark, "`%s` stands here twice: first on line %u", words,
                     map->keys[i].mark.line);
        return false;
    }
    return true;
}

static int read_pair(struct loader *loader, unsigned depth, struct node *map)
{
    cleanup(free_event) yaml_event_t key_event = {0};
    cleanup(free_event) yaml_event_t event = {0};
    if (next_event(loader, &key_event) < 0)
        return -1;
    if (key_event.type == YAML_MAPPING_END_EVENT)
        return 1;
    struct node key = {0};
    struct node value = {0};
    if (read_node(loader, &key_event, depth + 1, &key) < 0 || next_event(loader, &event) < 0 ||
        read_node(loader, &event, depth + 1, &value) < 0) {
        node_free(&key);
        node_free(&value);
        return -1;
    }
    if (!key_is_good(loader, map, &key)) {
        node_free(&key);
        node_free(&value);
        return 0;
    }
    map->keys = grow(map->keys, map->count);
    map->items = grow(map->items, map->count);
    map->keys[map->count] = key;
    map->items[map->count++] = value;
    return 0;
}

static int check_limits(struct loader *loader, unsigned depth, struct mark mark)
{
    if (depth > DEPTH_LIMIT) {
        problems_add(loader->problems, mark, "nested deeper than a scenario can be");
        return -1;
    }
    if (++loader->nodes > NODE_LIMIT) {
        problems_add(loader->problems, mark, "more values than a scenario can hold: %d at most",
                     NODE_LIMIT);
        return -1;
    }
    return 0;
}

/* The depth of the recursion is limited by check_limits. */
static int read_node(struct loader *loader, const yaml_event_t *event, unsigned depth,
                     struct node *node)
{
    node->mark = mark_of(event->start_mark);
    if (check_limits(loader, depth, node->mark) < 0)
        return -1;
    int more = 0;
    if (event->type == YAML_SCALAR_EVENT) {
        read_text(loader, event, node);
    } else if (event->type == YAML_ALIAS_EVENT) {
        node->text = xstrdup("");
        refuse_decoration(loader, node, event->data.alias.anchor, NULL);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = NODE_LIST;
        refuse_decoration(loader, node, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        while ((more = read_item(loader, depth, node)) == 0)
            ;
    } else {
        node->kind = NODE_MAP;
        refuse_decoration(loader, node, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        while ((more = read_pair(loader, depth, node)) == 0)
            ;
    }
    return more < 0 ? -1 : 0;
}

/* Passes over the events that only frame documents; 1 when `event` begins a node, 0 at the end. */
static int next_root(struct loader *loader, yaml_event_t *event)
{
    for (;;) {
        if (next_event(loader, event) < 0)
            return -1;
        if (event->type == YAML_STREAM_END_EVENT)
            return 0;
        if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT &&
            event->type != YAML_DOCUMENT_END_EVENT)
            return 1;
        yaml_event_delete(event);
    }
}

static int read_document(struct loader *loader, struct node *root)
{
    cleanup(free_event) yaml_event_t event = {0};
    int found = next_root(loader, &event);
    if (found == 0)
        problems_add(loader->problems, (struct mark){.line = 1, .column = 1},
                     "the file is empty: a scenario begins with `scenario: NAME`");
    if (found <= 0 || read_node(loader, &event, 1, root) < 0)
        return -1;
    cleanup(free_event) yaml_event_t second = {0};
    found = next_root(loader, &second);
    if (found > 0)
        problems_add(loader->problems, mark_of(second.start_mark),
                     "a second document begins here: a file holds one scenario");
    return found < 0 ? -1 : 0;
}

/* Fills `root` as far as that goes; -1 when the file is no YAML to its end. */
static int load(const char *content, size_t length, struct problems *problems, struct node *root)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (length >= strlen(byte_order_mark) && memcmp(content, byte_order_mark, 3) == 0) {
        content += strlen(byte_order_mark); /* libyaml would count it as a column */
        length -= strlen(byte_order_mark);
    }
    struct loader loader = {.content = content, .length = length, .problems = problems};
    if (!yaml_parser_initialize(&loader.parser)) {
        problems_add(problems, (struct mark){.line = 1, .column = 1}, "out of memory");
        return -1;
    }
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)content, length);
    int result = read_document(&loader, root);
    yaml_parser_delete(&loader.parser);
    return result;
}

struct node *document_load(const char *content, size_t length, struct problems *problems)
{
    struct node *root = xcalloc(1, sizeof(*root));
    if (load(content, length, problems, root) == 0)
        return root;
    document_free(root);
    return NULL;
}

struct node *document_load_partly(const char *content, size_t length, struct problems *problems)
{
    struct node *root = xcalloc(1, sizeof(*root));
    load(content, length, problems, root);
    return root;
}

void document_free(struct node *root)
{
    if (root)
        node_free(root);
    free(root);
}

void document_freep(struct node **root)
{
    document_free(*root);
}

struct node *node_key(struct node *map, const char *name)
{
    for (size_t i = 0; map->kind == NODE_MAP && i < map->count; i++)
        if (strcmp(map->keys[i].text, name) == 0)
            return &map->items[i];
    return NULL;
}

void node_drop_key(struct node *map, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; map->kind == NODE_MAP && i < map->count; i++) {
        if (strcmp(map->keys[i].text, name) == 0) {
            node_free(&map->keys[i]);
            node_free(&map->items[i]);
            continue;
        }
        map->keys[kept] = map->keys[i];
        map->items[kept++] = map->items[i];
    }
    if (map->kind == NODE_MAP)
        map->count = kept;
}

void node_set_file(struct node *node, const char *file)
{
    node->mark.file = file;
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys)
            node->keys[i].mark.file = file;
        node_set_file(&node->items[i], file);
    }
}

void node_merge(struct node *map, struct node *defaults)
{
    if (defaults->count == 0)
        return;
    const size_t own = map->count;
    map->keys = xreallocarray(map->keys, own + defaults->count, sizeof(*map->keys));
    map->items = xreallocarray(map->items, own + defaults->count, sizeof(*map->items));
    for (size_t i = 0; i < defaults->count; i++) {
        size_t at = 0;
        while (at < own && strcmp(map->keys[at].text, defaults->keys[i].text) != 0)
            at++;
        if (at == own) {
            map->keys[map->count] = defaults->keys[i];
            map->items[map->count++] = defaults->items[i];
            continue;
        }
        if (map->items[at].kind == NODE_MAP && defaults->items[i].kind == NODE_MAP)
            node_merge(&map->items[at], &defaults->items[i]);
        node_free(&defaults->keys[i]);
        node_free(&defaults->items[i]);
    }
    defaults->count = 0;
}

bool node_is_null(const struct node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != NODE_TEXT || node->quoted || node->written)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(nulls); i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    return false;
}

struct mark node_mark_at(const struct node *node, size_t offset)
{
    struct mark mark = node->mark;
    if (node->verbatim)
        mark.column += (unsigned)utf8_count(node->text, offset) + (node->quoted ? 1 : 0);
    return mark;
}
