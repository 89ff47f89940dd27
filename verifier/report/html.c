#include "report/html.h"

#include <libxml/HTMLtree.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/text.h"

static const xmlChar *xml(const char *text)
{
    return (const xmlChar *)text;
}

static void *there(void *made)
{
    if (!made)
        out_of_memory();
    return made;
}

void html_text(xmlNode *parent, const char *text)
{
    cleanup(free_pointer) char *clean = text_clean(text, SIZE_MAX, TEXT_BLOCK);
    xmlAddChild(parent, there(xmlNewText(xml(clean))));
}

void html_set(xmlNode *node, const char *attribute, const char *value)
{
    cleanup(free_pointer) char *clean = text_line(value);
    there(xmlSetProp(node, xml(attribute), xml(clean)));
}

void html_setf(xmlNode *node, const char *attribute, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *value = xvasprintf(format, arguments);
    va_end(arguments);
    html_set(node, attribute, value);
}

xmlNode *html_add(xmlNode *parent, const char *element, const char *class, const char *text)
{
    xmlNode *node = there(xmlNewChild(parent, NULL, xml(element), NULL));
    if (class)
        html_set(node, "class", class);
    if (text)
        html_text(node, text);
    return node;
}

/* 'sha256-...': the style that may be used, and no other. */
static char *style_source(const char *style)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[2 * EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_Digest(style, strlen(style), digest, &length, EVP_sha256(), NULL) != 1)
        out_of_memory();
    EVP_EncodeBlock(base64, digest, (int)length);
    return xasprintf(
        "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
        (const char *)base64);
}

static void add_meta(xmlNode *head, const char *attribute, const char *name, const char *content)
{
    xmlNode *meta = html_add(head, "meta", NULL, NULL);
    html_set(meta, attribute, name);
    html_set(meta, "content", content);
}

xmlDoc *html_new(const char *title, const char *style, xmlNode **ret_body)
{
    xmlDoc *page = there(htmlNewDocNoDtD(NULL, NULL));
    there(xmlCreateIntSubset(page, xml("html"), NULL, NULL));
    xmlNode *html = there(xmlNewNode(NULL, xml("html")));
    xmlDocSetRootElement(page, html);
    html_set(html, "lang", "en");
    xmlNode *head = html_add(html, "head", NULL, NULL);
    html_set(html_add(head, "meta", NULL, NULL), "charset", "utf-8");
    cleanup(free_pointer) char *policy = style_source(style);
    add_meta(head, "http-equiv", "Content-Security-Policy", policy);
    add_meta(head, "name", "viewport", "width=device-width, initial-scale=1");
    html_add(head, "title", NULL, title);
    /* Not cleaned: its digest is that of these bytes. */
    xmlNode *sheet = html_add(head, "style", NULL, NULL);
    xmlAddChild(sheet, there(xmlNewText(xml(style))));
    *ret_body = html_add(html, "body", NULL, NULL);
    return page;
}

void html_free(xmlDoc *page)
{
    if (page)
        xmlFreeDoc(page);
}

int html_write(xmlDoc *page, const char *path, struct error *error)
{
    xmlChar *text = NULL;
    int length = 0;
    htmlDocDumpMemoryFormat(page, &text, &length, 0);
    if (!text)
        return cannot_verify(error, "cannot write %s: no memory", path);
    int outcome = file_replace(path, text, (size_t)length, error);
    xmlFree(text);
    return outcome;
}
