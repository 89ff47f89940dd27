#include "scenario/include.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "scenario/scenario.h"

/* Files that include each other on one way down, and all together: a small file must not grow
 * without end. */
enum { DEPTH_LIMIT = 8, COUNT_LIMIT = 32 };

/* A file that is being read, and the one that includes it. */
struct including {
    const struct including *by; /* NULL for the scenario itself */
    const char *path;
    unsigned depth;
};

static bool same_file(const char *one, const char *other)
{
    char real_one[PATH_MAX];
    char real_other[PATH_MAX];
    return realpath(one, real_one) && realpath(other, real_other) &&
           strcmp(real_one, real_other) == 0;
}

/* fleet.yaml in scenarios/shop.yaml is scenarios/fleet.yaml; to be freed by the caller. */
static char *path_from(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !slash)
        return xstrdup(path);
    return xasprintf("%.*s%s", (int)(slash + 1 - file), file, path);
}

/* Blank lines and comments only, which is no YAML to its reader. */
static bool holds_nothing(const struct buffer *content)
{
    const char *text = content->data;
    while (*text) {
        text += strspn(text, " \t\r\n");
        if (*text && *text != '#')
            return false;
        text += strcspn(text, "\n");
    }
    return true;
}

/* --- what an included file may be ------------------------------------------------------------- */

static bool may_include(struct reader *reader, const struct including *file, const char *path,
                        struct mark mark)
{
    cleanup(free_pointer) char *words = shown(path);
    for (const struct including *above = file; above; above = above->by) {
        if (!same_file(above->path, path))
            continue;
        problems_add(&reader->problems, mark,
                     above == file ? "`%s` is this file itself"
                                   : "`%s` includes this file itself: take one of the two away",
                     words);
        return false;
    }
    if (file->depth >= DEPTH_LIMIT)
        problems_add(&reader->problems, mark,
                     "files include each other more than %d deep here: include `%s` from the "
                     "scenario",
                     DEPTH_LIMIT, words);
    else if (reader->scenario->included.count >= COUNT_LIMIT)
        problems_add(&reader->problems, mark,
                     "more files are included than a scenario can have: %d at most", COUNT_LIMIT);
    else
        return true;
    return false;
}

static void refuse_name(struct reader *reader, struct node *root)
{
    for (size_t i = 0; i < root->count; i++)
        if (strcmp(root->keys[i].text, "scenario") == 0)
            problems_add(&reader->problems, root->keys[i].mark,
                         "`scenario` names one scenario, and this file is included: move the name "
                         "to the file that includes it");
    node_drop_key(root, "scenario");
}

/* --- reading it ------------------------------------------------------------------------------- */

static void include_all(struct reader *reader, struct node *root, const struct including *file);

/* Takes its tree into `ret_root`, and what it includes itself; problems get its name. */
static struct node *read_file_of(struct reader *reader, const struct buffer *content,
                                 const struct including *file)
{
    const size_t before = reader->problems.count;
    struct node *root = NULL;
    if (holds_nothing(content))
        problems_add(&reader->problems, (struct mark){.line = 1, .column = 1},
                     "the file is empty: it is included, and holds keys of scenarios, such as "
                     "`restore: ...`");
    else
        root = document_load(content->data, content->length, &reader->problems);
    for (size_t i = before; i < reader->problems.count; i++)
        reader->problems.items[i].mark.file = file->path;
    if (!root)
        return NULL;
    node_set_file(root, file->path);
    if (root->kind == NODE_MAP) {
        refuse_name(reader, root);
        include_all(reader, root, file);
        return root;
    }
    if (!root->broken)
        problems_add(&reader->problems, root->mark,
                     "an included file holds keys of scenarios, such as `restore: ...`");
    document_free(root);
    return NULL;
}

static void include_one(struct reader *reader, struct node *shared, const struct node *value,
                        const struct including *file)
{
    const char *text = node_text(reader, INCLUDE_KEY, value, "the path of a file");
    if (!text)
        return;
    struct buffer content;
    struct error error;
    cleanup(free_pointer) char *path = path_from(file->path, text);
    /* Messages show what stands in a file: none that is no business of a scenario. */
    if (!ends_with(path, ".yaml") && !ends_with(path, ".yml")) {
        problems_add(&reader->problems, value->mark,
                     "`%s` expects files whose names end with .yaml or .yml", INCLUDE_KEY);
        return;
    }
    if (!may_include(reader, file, path, value->mark))
        return;
    if (file_read(path, SCENARIO_LIMIT_BYTES, &content, &error) < 0) {
        problems_add(&reader->problems, value->mark,
                     "%s; `%s` counts from the directory of this "
                     "file",
                     error.text, INCLUDE_KEY);
        return;
    }
    strings_add(&reader->scenario->included, path);
    const struct strings *included = &reader->scenario->included;
    const struct including next = {file, included->items[included->count - 1], file->depth + 1};
    cleanup(document_freep) struct node *root = read_file_of(reader, &content, &next);
    buffer_free(&content);
    if (!root)
        return;
    node_merge(root, shared); /* a later file stands over an earlier one */
    struct node merged = *shared;
    *shared = *root;
    *root = merged;
}

/* The depth of the recursion is limited by may_include. */
static void include_all(struct reader *reader, struct node *root, const struct including *file)
{
    struct node *value = node_key(root, INCLUDE_KEY);
    if (!value)
        return;
    cleanup(document_freep) struct node *shared = xcalloc(1, sizeof(*shared));
    shared->kind = NODE_MAP;
    read_variables(reader, value);
    if (value->kind == NODE_TEXT)
        include_one(reader, shared, value, file);
    else if (node_is(reader, INCLUDE_KEY, value, NODE_LIST,
                     "the path of a file, or a list of them"))
        for (size_t i = 0; i < value->count; i++)
            include_one(reader, shared, &value->items[i], file);
    node_drop_key(root, INCLUDE_KEY);
    node_merge(root, shared);
}

void read_included(struct reader *reader, struct node *root, const char *path)
{
    const struct including scenario = {NULL, path, 0};
    if (root->kind == NODE_MAP)
        include_all(reader, root, &scenario);
}

void read_include(struct reader *reader, const struct key *key, const struct node *value,
                  void *field)
{
    (void)reader;
    (void)key;
    (void)value;
    (void)field;
}
