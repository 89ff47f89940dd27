/* JUnit reports of this program, read back: what the last run of a scenario came to. */
#ifndef REPORT_JUNIT_READ_H
#define REPORT_JUNIT_READ_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"

/* What a report says, as a whole. */
struct junit_told {
    char *name;     /* of what was run: "bugspark", "bugspark.dump" */
    time_t began;   /* 0: not known */
    int exit_code;  /* that of the run */
    char *headline; /* what was the matter, with the first check that says so; or "" */
    char *backup;   /* the name of its file, or "" */
    int checks;
    int failed;
    int errors;
    int skipped;
};

/* 1: it is no report of this program. */
int junit_read(const char *path, struct junit_told *ret_told, struct error *error);
void junit_told_free(struct junit_told *told); /* takes a zeroed one */

/* Adds to a report that is there what came up behind it, as a property of the run. */
int junit_add_warning(const char *path, const char *name, const char *words, struct error *error);

/* NULL: there is none, or what is there is no XML. Freed with xmlFreeDoc. */
xmlDoc *junit_load(const char *path);
bool junit_is(const xmlNode *node, const char *element);
char *junit_attribute(const xmlNode *node, const char *name); /* "" without one; to be freed */
/* A property of the run; "" without one; to be freed. */
char *junit_property(const xmlDoc *report, const char *name);

#endif
