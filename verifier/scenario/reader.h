/* Reads a YAML tree into structs by tables of keys.
 *
 * A section of a scenario is a table of `struct key`: its name, the function that reads its value,
 * and the field that it fills. Everything wrong becomes a problem with its place; reading goes on,
 * so that a file tells all its problems at once. No problem repeats a value that came from the
 * environment, except for the text of an expectation.
 */
#ifndef SCENARIO_READER_H
#define SCENARIO_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "scenario/words.h"
#include "scenario/yaml.h"

struct scenario;
struct key;
struct reader;

/* Told of a section in place of reading it: which keys it has, and the node that it is read from.
 */
typedef void section_watcher(struct reader *reader, const struct key *keys, size_t count,
                             const struct node *node, void *target);

struct reader {
    struct scenario *scenario; /* what is being filled */
    struct problems problems;
    bool looks_only;          /* see scenario_load_to_look */
    section_watcher *watcher; /* NULL: sections are read */
    void *watching;           /* the watcher's own */
};

struct key {
    const char *name;
    void (*read)(struct reader *reader, const struct key *key, const struct node *value,
                 void *field);
    size_t field; /* offset in the struct that the section fills */
    size_t mark;  /* offset of the mark of the value there, or NO_MARK */
    bool required;
};
#define NO_MARK ((size_t)-1)

/* Replaces variables in all values of the tree, not in its keys. Values with an unset variable
 * become broken; with `looks_only` a section that only a run needs is left out for it, silently.
 * Below the keys `migration` and `commands` values may have places (placeholders.h). */
void read_variables(struct reader *reader, struct node *node);

/* Reads a mapping into `target`; `name` is the section's, or NULL for the whole file. Problems are
 * told for unknown keys, for required ones that are missing, and for what is no mapping. */
void read_section(struct reader *reader, const char *name, const struct key *keys, size_t count,
                  const struct node *node, void *target);

/* Is the node of that kind and not empty? When it is not, tells what `wanted` is expected. Broken
 * nodes are never good, and nothing more is told about them. */
bool node_is(struct reader *reader, const char *name, const struct node *node, enum node_kind kind,
             const char *wanted);

/* The text of a node that must not be empty, borrowed; NULL when a problem has been told. */
const char *node_text(struct reader *reader, const char *name, const struct node *node,
                      const char *wanted);

/* The value as a message may show it: "`text`", or "the value of `${NAME}`"; to be freed. */
char *value_shown(const struct node *node);

/* Readers for keys. The field is named behind each. */
void read_line(struct reader *reader, const struct key *key, const struct node *value,
               void *field); /* char *, printable, never shown: it may be a secret */
void read_sql(struct reader *reader, const struct key *key, const struct node *value,
              void *field); /* char *, may hold newlines */
void read_lines(struct reader *reader, const struct key *key, const struct node *value,
                void *field); /* struct strings */
void read_duration_s(struct reader *reader, const struct key *key, const struct node *value,
                     void *field); /* int64_t */
void read_duration_ms(struct reader *reader, const struct key *key, const struct node *value,
                      void *field); /* int64_t */
void read_yes_or_no(struct reader *reader, const struct key *key, const struct node *value,
                    void *field); /* bool */

#endif
