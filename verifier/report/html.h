/* A page of HTML as a tree of libxml2's. Texts and attributes are cleaned (text.h) and escaped. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <libxml/tree.h>

#include "base/error.h"

/* The style is the only one that the page allows itself (Content-Security-Policy); borrowed. */
xmlDoc *html_new(const char *title, const char *style, xmlNode **ret_body);
void html_free(xmlDoc *page); /* takes NULL */

/* An element behind those that are there. `class` and `text` may be NULL. */
xmlNode *html_add(xmlNode *parent, const char *element, const char *class, const char *text);
/* Text behind what is there. */
void html_text(xmlNode *parent, const char *text);
void html_set(xmlNode *node, const char *attribute, const char *value);
void html_setf(xmlNode *node, const char *attribute, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Replaces the file in one step. */
int html_write(xmlDoc *page, const char *path, struct error *error);

#endif
