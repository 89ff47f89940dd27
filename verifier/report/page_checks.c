/* What the JUnit report of a scenario's last run says, check by check. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/html.h"
#include "report/junit_read.h"
#include "report/page_parts.h"

struct told {
    const char *verdict;
    const char *class; /* of the style; NULL: none */
    char *words;       /* of a pass: what was seen, or "" */
};

static char *text_of(const xmlNode *node)
{
    xmlChar *value = xmlNodeGetContent(node);
    char *copy = xstrdup(value ? (const char *)value : "");
    xmlFree(value);
    return copy;
}

static void told_of(const xmlNode *check, struct told *ret_told)
{
    static const struct {
        const char *element, *verdict, *class;
    } verdicts[] = {{"failure", "failed", "bad"},
                    {"error", "could not look", "doubt"},
                    {"skipped", "skipped", NULL}};
    *ret_told = (struct told){.verdict = "passed"};
    for (const xmlNode *child = check->children; child; child = child->next) {
        for (size_t i = 0; i < ARRAY_LENGTH(verdicts); i++)
            if (junit_is(child, verdicts[i].element)) {
                free(ret_told->words);
                *ret_told = (struct told){verdicts[i].verdict, verdicts[i].class,
                                          junit_attribute(child, "message")};
            }
        if (junit_is(child, "system-out") && !ret_told->words)
            ret_told->words = text_of(child);
    }
    if (!ret_told->words)
        ret_told->words = xstrdup("");
}

/* Gives whether all is well with it. */
static bool add_check(xmlNode *rows, const xmlNode *check)
{
    struct told told;
    cleanup(free_pointer) char *name = junit_attribute(check, "name");
    told_of(check, &told);
    bool passed = strcmp(told.verdict, "passed") == 0;
    xmlNode *row = html_add(rows, "tr", NULL, NULL);
    html_add(row, "td", "text", name);
    html_add(row, "td", told.class, told.verdict);
    html_add(row, "td", "text", told.words);
    free(told.words);
    return passed;
}

static size_t add_all(xmlNode *rows, const xmlNode *report)
{
    size_t wrong = 0;
    for (const xmlNode *suite = report ? report->children : NULL; suite; suite = suite->next)
        for (const xmlNode *check = junit_is(suite, "testsuite") ? suite->children : NULL; check;
             check = check->next)
            if (junit_is(check, "testcase"))
                wrong += !add_check(rows, check);
    return wrong;
}

void page_add_checks(xmlNode *section, const char *scenario, const char *path)
{
    static const char *const heads[] = {"Check", "Verdict", "What was found"};
    xmlDoc *report = path ? junit_load(path) : NULL;
    if (!report)
        return;
    xmlNode *rows = page_add_table(section, scenario, "Checks of the last run here", heads,
                                   ARRAY_LENGTH(heads));
    size_t wrong = add_all(rows, xmlDocGetRootElement(report));
    if (wrong > 0) /* the table, the wide, the details */
        html_set(rows->parent->parent->parent, "open", "open");
    xmlFreeDoc(report);
}
