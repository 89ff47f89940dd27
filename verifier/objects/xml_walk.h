/* Reads XML as it arrives, with libxml2, and tells of every element when it ends.
 *
 * For answers that come from outside: a document type or an entity is refused, depth and length of
 * texts have a limit, and nothing is fetched. What cannot be read is an error of the kind "could
 * not verify".
 */
#ifndef OBJECTS_XML_WALK_H
#define OBJECTS_XML_WALK_H

#include "base/buffer.h"
#include "base/error.h"

/* `path` has the names below the root ("Contents/Key"), `text` is the element's own, borrowed. -1
 * ends the reading, with `error` filled. */
typedef int element_visitor(void *context, const char *path, const struct buffer *text,
                            struct error *error);

struct xml_walk;
struct xml_walk *xml_walk_new(element_visitor *visit, void *context);
/* Takes the next bytes; after an error they are ignored. */
void xml_walk_feed(struct xml_walk *walk, const char *bytes, size_t length);
/* Success means that it was one whole document, and that nothing was refused. Call once. */
int xml_walk_end(struct xml_walk *walk, struct error *error);
void xml_walk_free(struct xml_walk *walk); /* takes NULL */

/* All of it at once. */
int xml_walk_text(const char *xml, size_t length, element_visitor *visit, void *context,
                  struct error *error);

#endif
