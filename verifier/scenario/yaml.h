/* A YAML document as a small tree in which every node knows its place.
 *
 * Read with libyaml (YAML 1.1), UTF-8 only, exactly one document. What a scenario does not need is
 * refused: anchors, aliases and tags, so that no file can explode and no value changes its type
 * behind the reader's back. Capped in depth and number of nodes; the caller caps the bytes.
 *
 * No name here begins with yaml_: libyaml exports names of its own that its header does not list,
 * such as yaml_free, and they would be replaced by ours.
 */
#ifndef SCENARIO_YAML_H
#define SCENARIO_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "scenario/words.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

/* A node owns all below it. */
struct node {
    enum node_kind kind;
    struct mark mark;
    char *text;        /* of NODE_TEXT, without NUL bytes inside */
    bool quoted;       /* written in quotes or as a block, so never null */
    bool verbatim;     /* stands in the file byte for byte as in `text`, on one line */
    bool broken;       /* a problem has been told: not to be judged again */
    char *written;     /* the text before variables were replaced, or NULL */
    struct node *keys; /* of NODE_MAP: `count` texts, no two alike */
    struct node *items;
    size_t count;
};

/* Gives the root of the one document, to be freed by document_free, or NULL when the file is no
 * YAML. Problems may have been added although there is a root. */
struct node *document_load(const char *content, size_t length, struct problems *problems);
/* The same, as far as the document can be read: what stands above a mistake in its syntax. Never
 * NULL. */
struct node *document_load_partly(const char *content, size_t length, struct problems *problems);
void document_free(struct node *root); /* takes NULL */
void document_freep(struct node **root);

/* The value of a key, or NULL; also of what is no mapping. */
struct node *node_key(struct node *map, const char *name);
void node_drop_key(struct node *map, const char *name);

/* The node, and all below it, stand in that file. */
void node_set_file(struct node *node, const char *file);

/* Moves into `map` what it lacks of the mapping `defaults`, of mappings that both have as well:
 * what stands in `map` stays, lists and texts whole. `defaults` is left without keys. */
void node_merge(struct node *map, struct node *defaults);

/* `key:` with nothing behind it, `~` or `null`. */
bool node_is_null(const struct node *node);

/* Where byte `offset` of a node's text stands, or the node's own place where that cannot be told.
 */
struct mark node_mark_at(const struct node *node, size_t offset);

#endif
