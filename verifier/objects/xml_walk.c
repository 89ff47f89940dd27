#include "objects/xml_walk.h"

#include <libxml/parser.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { DEPTH_LIMIT = 8, PATH_SIZE = 256, TEXT_LIMIT = 64 * 1024, FEED_LIMIT = 1024 * 1024 };

struct xml_walk {
    xmlParserCtxt *parser;
    element_visitor *visit;
    void *context;
    char path[PATH_SIZE];
    size_t lengths[DEPTH_LIMIT + 1]; /* of the path at each depth */
    int depth;                       /* of the open element; the root is 0, -1 is outside */
    struct buffer text;
    bool failed;
    struct error error;
};

static void end_early(struct xml_walk *walk)
{
    walk->failed = true;
    xmlStopParser(walk->parser);
}

static void refuse(struct xml_walk *walk, const char *why)
{
    if (walk->failed)
        return;
    cannot_verify(&walk->error, "the answer %s", why);
    end_early(walk);
}

/* ---- what libxml2 calls ---- */

static void enter(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                  int namespace_count, const xmlChar **namespaces, int attribute_count,
                  int default_count, const xmlChar **attributes)
{
    (void)prefix;
    (void)uri;
    (void)namespace_count;
    (void)namespaces;
    (void)attribute_count;
    (void)default_count;
    (void)attributes;
    struct xml_walk *walk = context;
    int depth = ++walk->depth;
    if (depth > DEPTH_LIMIT) {
        refuse(walk, "is nested too deeply");
        return;
    }
    size_t length = depth > 1 ? walk->lengths[depth - 1] : 0;
    if (depth > 0) {
        size_t name_length = strlen((const char *)name);
        if (name_length + 2 > PATH_SIZE - length) {
            refuse(walk, "holds an element with a name too long");
            return;
        }
        if (length > 0)
            walk->path[length++] = '/';
        memcpy(walk->path + length, name, name_length);
        length += name_length;
    }
    walk->lengths[depth] = length;
    walk->path[length] = '\0';
    buffer_clear(&walk->text);
}

static void leave(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)name;
    (void)prefix;
    (void)uri;
    struct xml_walk *walk = context;
    if (walk->failed)
        return;
    int depth = walk->depth--;
    walk->path[walk->lengths[depth]] = '\0';
    if (depth > 0 && walk->visit(walk->context, walk->path, &walk->text, &walk->error) < 0)
        end_early(walk);
    buffer_clear(&walk->text);
}

static void take_text(void *context, const xmlChar *text, int length)
{
    struct xml_walk *walk = context;
    if (buffer_append(&walk->text, text, (size_t)length) < 0)
        refuse(walk, "holds a text longer than any it may have");
}

static void find_document_type(void *context, const xmlChar *name, const xmlChar *external,
                               const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    refuse(context, "holds a document type, which no store sends");
}

static void keep_quiet(void *context, xmlErrorPtr problem)
{
    (void)context;
    (void)problem;
}

/* ---- the walk ---- */

static void initialize(void)
{
    xmlInitParser();
}

struct xml_walk *xml_walk_new(element_visitor *visit, void *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
    /* Without a handler for entities, those that XML itself does not have are errors. */
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = enter,
                             .endElementNs = leave,
                             .characters = take_text,
                             .ignorableWhitespace = take_text,
                             .cdataBlock = take_text,
                             .internalSubset = find_document_type,
                             .serror = keep_quiet};
    struct xml_walk *walk = xcalloc(1, sizeof(*walk));
    walk->parser = xmlCreatePushParserCtxt(&handler, walk, NULL, 0, NULL);
    if (!walk->parser)
        abort(); /* out of memory */
    xmlCtxtUseOptions(walk->parser, XML_PARSE_NONET);
    walk->visit = visit;
    walk->context = context;
    walk->depth = -1;
    buffer_init(&walk->text, TEXT_LIMIT);
    return walk;
}

void xml_walk_feed(struct xml_walk *walk, const char *bytes, size_t length)
{
    while (length > 0 && !walk->failed) {
        size_t part = length < FEED_LIMIT ? length : FEED_LIMIT;
        if (xmlParseChunk(walk->parser, bytes, (int)part, 0) != 0)
            refuse(walk, "is no complete XML");
        bytes += part;
        length -= part;
    }
}

int xml_walk_end(struct xml_walk *walk, struct error *error)
{
    if (!walk->failed &&
        (xmlParseChunk(walk->parser, NULL, 0, 1) != 0 || !walk->parser->wellFormed))
        refuse(walk, "is no complete XML");
    if (!walk->failed)
        return 0;
    *error = walk->error;
    return -1;
}

void xml_walk_free(struct xml_walk *walk)
{
    if (!walk)
        return;
    xmlFreeParserCtxt(walk->parser);
    buffer_free(&walk->text);
    free(walk);
}

int xml_walk_text(const char *xml, size_t length, element_visitor *visit, void *context,
                  struct error *error)
{
    struct xml_walk *walk = xml_walk_new(visit, context);
    xml_walk_feed(walk, xml, length);
    int failed = xml_walk_end(walk, error);
    xml_walk_free(walk);
    return failed;
}
