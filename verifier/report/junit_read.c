#include "report/junit_read.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/cases.h"
#include "report/text.h"

enum { REPORT_LIMIT_BYTES = 16 << 20 };

xmlDoc *junit_load(const char *path)
{
    struct buffer content;
    struct error ignored;
    if (file_read(path, REPORT_LIMIT_BYTES, &content, &ignored) < 0)
        return NULL;
    xmlDoc *report = xmlReadMemory(content.data, (int)content.length, NULL, NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    buffer_free(&content);
    return report;
}

bool junit_is(const xmlNode *node, const char *element)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, element) == 0;
}

char *junit_attribute(const xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
    char *copy = xstrdup(value ? (const char *)value : "");
    xmlFree(value);
    return copy;
}

static xmlNode *child_of(const xmlNode *node, const char *element)
{
    for (xmlNode *child = node ? node->children : NULL; child; child = child->next)
        if (junit_is(child, element))
            return child;
    return NULL;
}

/* Of the run, whose properties are those of the first suite; "" without one. */
static char *property_of(const xmlNode *properties, const char *wanted)
{
    for (const xmlNode *child = properties ? properties->children : NULL; child;
         child = child->next) {
        if (!junit_is(child, "property"))
            continue;
        cleanup(free_pointer) char *name = junit_attribute(child, "name");
        if (strcmp(name, wanted) == 0)
            return junit_attribute(child, "value");
    }
    return xstrdup("");
}

char *junit_property(const xmlDoc *report, const char *name)
{
    const xmlNode *root = xmlDocGetRootElement(report);
    return property_of(child_of(child_of(root, "testsuite"), "properties"), name);
}

static time_t moment_of(const char *text)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    return end && *end == '\0' ? timegm(&parts) : 0;
}

/* The first failure and the first error, each as "CHECK: MESSAGE"; NULL: there is none. */
struct worst {
    char *failure, *error;
};

static int look_at(const xmlNode *check, const char *element, char **words)
{
    const xmlNode *verdict = child_of(check, element);
    if (verdict && words && !*words) {
        cleanup(free_pointer) char *name = junit_attribute(check, "name");
        cleanup(free_pointer) char *message = junit_attribute(verdict, "message");
        *words = xasprintf("%s: %s", name, message);
    }
    return verdict != NULL;
}

static void count_check(const xmlNode *check, struct junit_told *told, struct worst *worst)
{
    told->checks++;
    told->failed += look_at(check, "failure", &worst->failure);
    told->errors += look_at(check, "error", &worst->error);
    told->skipped += look_at(check, "skipped", NULL);
}

static void count_checks(const xmlNode *root, struct junit_told *told, struct worst *worst)
{
    for (const xmlNode *suite = root->children; suite; suite = suite->next)
        for (const xmlNode *check = junit_is(suite, "testsuite") ? suite->children : NULL; check;
             check = check->next)
            if (junit_is(check, "testcase"))
                count_check(check, told, worst);
}

/* As result_exit_code() has it. A damage that does not apply is skipped without a failure. */
static int exit_code_of(const struct junit_told *told)
{
    bool may_skip = ends_with(told->name, ".sabotage");
    bool looked = told->checks > told->skipped && (told->skipped == 0 || may_skip);
    if (told->errors > 0)
        return 2;
    return told->failed > 0 ? 1 : looked ? 0 : 2;
}

static void fill(const xmlNode *root, const xmlNode *suite, struct junit_told *told)
{
    const xmlNode *properties = child_of(suite, "properties");
    cleanup(free_pointer) char *began = junit_attribute(suite, "timestamp");
    cleanup(free_pointer) char *backup = property_of(properties, "backup.file");
    const char *slash = strrchr(backup, '/');
    cleanup(free_pointer) char *headline = property_of(properties, "headline");
    struct worst worst = {0};
    told->name = junit_attribute(root, "name");
    told->began = moment_of(began);
    told->backup = xstrdup(slash ? slash + 1 : backup);
    count_checks(root, told, &worst);
    told->exit_code = exit_code_of(told);
    const char *detail = told->exit_code == 1 ? worst.failure : worst.error;
    told->headline = detail ? xasprintf("%s: %s", headline, detail) : xstrdup(headline);
    free(worst.failure);
    free(worst.error);
}

int junit_read(const char *path, struct junit_told *ret_told, struct error *error)
{
    struct junit_told told = {0};
    xmlDoc *report = junit_load(path);
    const xmlNode *root = report ? xmlDocGetRootElement(report) : NULL;
    const xmlNode *suite =
        root && junit_is(root, "testsuites") ? child_of(root, "testsuite") : NULL;
    cleanup(free_pointer) char *version =
        property_of(child_of(suite, "properties"), "verifier.version");
    if (suite && *version)
        fill(root, suite, &told);
    if (report)
        xmlFreeDoc(report);
    if (!report)
        return cannot_verify(error, "%s cannot be read as XML", path);
    *ret_told = told;
    return told.name ? 0 : 1;
}

void junit_told_free(struct junit_told *told)
{
    free(told->name);
    free(told->headline);
    free(told->backup);
    *told = (struct junit_told){0};
}

static void add_property(xmlNode *properties, const char *name, const char *words)
{
    cleanup(free_pointer) char *clean = text_line(words);
    xmlNode *property = xmlNewChild(properties, NULL, (const xmlChar *)"property", NULL);
    if (!property || !xmlNewProp(property, (const xmlChar *)"name", (const xmlChar *)name) ||
        !xmlNewProp(property, (const xmlChar *)"value", (const xmlChar *)clean))
        out_of_memory();
}

int junit_add_warning(const char *path, const char *name, const char *words, struct error *error)
{
    xmlDoc *report = junit_load(path);
    xmlNode *properties =
        report ? child_of(child_of(xmlDocGetRootElement(report), "testsuite"), "properties") : NULL;
    xmlChar *text = NULL;
    int length = 0;
    if (properties) {
        add_property(properties, name, words);
        xmlDocDumpMemoryEnc(report, &text, &length, "UTF-8");
    }
    int outcome = text ? file_replace(path, text, (size_t)length, error)
                       : cannot_verify(error, "%s is no report", path);
    xmlFree(text);
    if (report)
        xmlFreeDoc(report);
    return outcome;
}
