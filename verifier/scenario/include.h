/* Keys that many scenarios share, in a file of their own:
 *
 *     include: fleet.yaml              # or a list of files; a later one stands over an earlier one
 *
 * Paths count from the directory of the file that they stand in. What the file says itself stands
 * over what it includes: mappings are merged key by key, lists and texts are replaced. An included
 * file may include others, and may hold every key but `scenario`.
 */
#ifndef SCENARIO_INCLUDE_H
#define SCENARIO_INCLUDE_H

#include "scenario/reader.h"

#define INCLUDE_KEY "include"

enum { SCENARIO_LIMIT_BYTES = 1 << 20 }; /* of one file */

/* Merges what the file at `path` includes into its tree, before variables are replaced there, and
 * adds the files to the scenario. The key goes from the tree. */
void read_included(struct reader *reader, struct node *root, const char *path);

/* For the table of keys: the value has been read by then. */
void read_include(struct reader *reader, const struct key *key, const struct node *value,
                  void *field);

#endif
