/* Results of a run, as people and programs read them: JUnit XML, the console, JSON. A run verifies
 * a backup, with all checks of the scenario or with a part of them, or it makes one, or copies a
 * bucket: these have one check, which says whether that was done. Or it damages copies of a backup,
 * and has one for each kind of damage. Or it rehearses a migration, and has one for each thing that
 * is expected of it.
 *
 * A report is made from plain results and knows nothing of how they came about. It is written for
 * every scenario, whatever happened: also when the run was interrupted or could not start.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "checks/checks.h"
#include "rehearsal/rehearsal.h"
#include "stages/facts.h"

/* What a run did. Each has reports of a name of its own, so that none takes the place of another's.
 */
enum report_kind {
    REPORT_VERIFY,
    REPORT_PARTIAL,
    REPORT_DUMP,
    REPORT_SYNC,
    REPORT_SABOTAGE,
    REPORT_MIGRATION
};

/* The group of the checks that are each a kind of damage. */
#define DAMAGE_GROUP "damage"

/* How long the stages of earlier nights took; 0: not known. */
struct usual_times {
    int64_t stages_ms[STAGE_COUNT];
    int64_t backup_size_bytes; /* of which backup */
};

/* The results of one scenario; everything borrowed. */
struct result {
    const char *scenario; /* its name, or the file's name when the file could not be read */
    const struct facts *facts;
    const struct plan *plan;
    const struct outcome *outcomes; /* as many as the plan has checks; every one has its verdict */
    enum report_kind kind;
    const struct rehearsal *rehearsal; /* of REPORT_MIGRATION */
    const struct usual_times *usual;   /* for progress; NULL: not known */
};

struct totals {
    int checks;
    int passed; /* including warnings */
    int warnings;
    int failed;
    int errors;
    int skipped;
    int left_out; /* not asked for, and in none of the other numbers but the first */
};

void result_totals(const struct result *result, struct totals *ret_totals);

/* 2 when there is an error, a skip without a failure that explains it (but for a damage that does
 * not apply, unless none does), or no check at all; else 1 when there is a failure; else 0. */
int result_exit_code(const struct result *result);

/* The worst of all results; 2 when there is none. */
int results_exit_code(const struct result *results, size_t count);

/* One line that says what is the matter, and whose fault it is (headline.c); to be freed by the
 * caller. */
char *result_headline(const struct result *result);

/* What to do about it, a sentence without its end; NULL where nothing is to be done. Borrowed. */
const char *result_remedy(const struct result *result);

/* Writes DIRECTORY/SCENARIO.xml (of a partial run SCENARIO.partial.xml, and so on) by way of a
 * temporary name, beside it SCENARIO.md, a summary for people, but for dump and sync, and where a
 * text is too long for dashboards SCENARIO.log; makes the directory. For a scenario whose name
 * could not be read it is the file's name without folder and .yaml, so that the report of its last
 * good run does not stay. Nor does it when the new one cannot be written. */
int report_write(const struct result *result, const char *directory, struct error *error);
/* Removes what report_write wrote, if it is there. */
int report_remove(const struct result *result, const char *directory, struct error *error);
void markdown_format(const struct result *result, struct buffer *target);
/* JUnit XML. */
void junit_format(const struct result *result, struct buffer *target);

/* The summary that a person reads at a glance. `color` turns on escape sequences. Passed checks are
 * listed one by one with `verbose`, or when the run has at most 60 checks; else they are counted.
 * `verbose` also lists every skipped check and all details. `reports_directory` may be NULL. */
void console_print(const struct result *results, size_t count, bool color, bool verbose,
                   const char *reports_directory, FILE *stream);

/* All results as the JSON document of a command (json_fields.h), ending with a newline. */
void json_print(const char *command, const struct result *results, size_t count, int exit_code,
                FILE *stream);

/* Progress while runs go on: on a terminal one live line per scenario, and nothing in the first
 * second; otherwise plain lines, one every 10 seconds for each scenario, the first after that time.
 * progress_update may be called as often as wanted. A scenario waits until its facts' began_ms is
 * set and is over when STAGE_STOP is. */
struct progress;
struct progress *progress_new(FILE *stream, bool terminal, bool color);
void progress_update(struct progress *progress, const struct result *results, size_t count);
/* Takes the live lines away, before other output. Takes NULL. */
void progress_clear(struct progress *progress);
void progress_free(struct progress *progress);

#endif
