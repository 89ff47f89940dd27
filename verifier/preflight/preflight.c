#include "preflight/areas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

void finding_add(struct area *area, const char *check, enum readiness readiness, const char *format,
                 ...)
{
    struct findings *findings = &area->findings;
    va_list arguments;
    va_start(arguments, format);
    findings->items = xreallocarray(findings->items, findings->count + 1, sizeof(*findings->items));
    findings->items[findings->count++] = (struct finding){
        .check = check, .readiness = readiness, .text = xvasprintf(format, arguments)};
    va_end(arguments);
}

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->items[i].text);
    free(findings->items);
    *findings = (struct findings){0};
}

void judge_clock(struct area *area, const char *whose, int64_t ahead_s)
{
    enum { UNLIKE_S = 60, WRONG_S = 300 }; /* what `freshness` and signatures put up with */
    int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
    char words[DURATION_TEXT_SIZE];
    duration_format(off_s * 1000, words);
    if (off_s < UNLIKE_S)
        finding_add(area, "clock", READY, "as that of %s", whose);
    else
        finding_add(area, "clock", off_s < WRONG_S ? READY_BUT : NOT_READY,
                    "this machine's clock is %s %s that of %s, so that ages are wrong%s: let both "
                    "be set by NTP",
                    words, ahead_s < 0 ? "ahead of" : "behind", whose,
                    off_s < WRONG_S ? "" : ", and buckets refuse requests");
}

/* --- side by side ----------------------------------------------------------------------------- */

struct looking {
    struct area area;
    void (*look)(struct area *area);
    pthread_t thread;
};

static void *look(void *context)
{
    struct looking *looking = context;
    looking->look(&looking->area);
    return NULL;
}

static void look_at_all(struct looking *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&all[i].thread, NULL, look, &all[i]) != 0) {
            fputs("restore-verifier: cannot start a thread\n", stderr);
            _exit(2);
        }
    for (size_t i = 0; i < count; i++)
        pthread_join(all[i].thread, NULL);
}

static void take_findings(struct findings *all, struct findings *some)
{
    all->items = xreallocarray(all->items, all->count + some->count + 1, sizeof(*all->items));
    for (size_t i = 0; i < some->count; i++)
        all->items[all->count++] = some->items[i];
    free(some->items);
    *some = (struct findings){0};
}

void learned_free(struct learned *learned)
{
    strings_free(&learned->extensions);
    free(learned->why_not);
    learned->why_not = NULL;
}

/* The source knows best; the last backup tells where there is none. What is on the heap is
 * borrowed. */
static struct learned learned_of(const struct learned *source, const struct learned *backups)
{
    const struct learned *extensions = source->knows_extensions ? source : backups;
    return (struct learned){
        .server_major = source->server_major ? source->server_major : backups->server_major,
        .database_bytes = source->database_bytes ? source->database_bytes : backups->database_bytes,
        .backup_bytes = backups->backup_bytes,
        .knows_extensions = extensions->knows_extensions,
        .can_leave_out = extensions->can_leave_out,
        .extensions = extensions->extensions,
        .why_not = extensions->why_not,
    };
}

void preflight_run(const struct scenario *scenario, const char *reports, int64_t timeout_ms,
                   struct findings *ret_findings)
{
    struct findings findings = {0};
    const struct area fresh = {.scenario = scenario, .timeout_ms = timeout_ms};
    struct area local = fresh;
    struct area files = fresh;
    look_at_work_directory(&local);
    look_at_reports(&local, reports);
    look_at_files(&files);
    struct looking all[] = {{fresh, look_at_source, 0},
                            {fresh, look_at_backups, 0},
                            {fresh, look_at_history, 0},
                            {fresh, look_at_objects, 0},
                            {fresh, look_at_restore_server, 0}};
    look_at_all(all, ARRAY_LENGTH(all));
    local.learned = learned_of(&all[0].area.learned, &all[1].area.learned);
    look_at_room(&local);
    look_at_space(&local);
    look_at_restoring(&local);
    look_at_extensions(&local);
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        take_findings(&findings, &all[i].area.findings);
        learned_free(&all[i].area.learned);
    }
    tools_free(local.tools);
    take_findings(&findings, &local.findings);
    take_findings(&findings, &files.findings);
    *ret_findings = findings;
}
