#include "commands/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commands/run.h"
#include "history/history.h"
#include "report/metrics.h"

static void source_read(const struct scenario *scenario, const char *reports,
                        struct source *ret_source)
{
    struct error error;
    cleanup(strings_free) struct strings notices = {0};
    cleanup(history_freep) struct history *history = NULL;
    *ret_source =
        (struct source){.name = xstrdup(scenario->name),
                        .report = xasprintf("%s/%s.xml", reports, scenario->name),
                        .migration = xasprintf("%s/%s.migration.xml", reports, scenario->name),
                        .keep_s = scenario->history.keep_s};
    if (history_open(scenario, reports, &history, &error) < 0 ||
        history_read(history, &ret_source->entries, &notices, &error) < 0)
        ret_source->problem = xstrdup(error.text);
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, notices.items[i]);
    ret_source->path = history ? history_path(history) : xstrdup("");
}

/* Under the name that its report has. */
static void source_refuse(struct run *runs, size_t index, const struct loaded *loaded,
                          const char *reports, struct source *ret_source)
{
    run_refuse_file(runs, index, loaded, REPORT_VERIFY);
    const char *name = runs[index].name;
    *ret_source = (struct source){
        .name = xstrdup(name),
        .path = xstrdup(""),
        .report = xasprintf("%s/%s.xml", reports, name),
        .migration = xasprintf("%s/%s.migration.xml", reports, name),
        .problem = xasprintf("the scenario is wrong: %s", runs[index].outcomes[0].message),
        .alarm_word = "error"};
    ret_source->alarm = xstrdup(ret_source->problem);
}

void sources_read(const struct loaded *loaded, const char *reports, struct sources *ret_sources)
{
    size_t count = loaded->paths.count;
    struct sources sources = {.items = xcalloc(count + 1, sizeof(struct source)), .count = count};
    cleanup(free_pointer) struct run *runs = xcalloc(count + 1, sizeof(*runs));
    for (size_t i = 0; i < count; i++)
        if (loaded->scenarios[i])
            source_read(loaded->scenarios[i], reports, &sources.items[i]);
        else
            source_refuse(runs, i, loaded, reports, &sources.items[i]);
    for (size_t i = 0; i < count; i++)
        run_release(&runs[i]);
    *ret_sources = sources;
}

void sources_free(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        history_entries_free(&source->entries);
        free(source->name);
        free(source->path);
        free(source->problem);
        free(source->report);
        free(source->migration);
        free(source->alarm);
    }
    free(sources->items);
}

struct page_scenario *sources_told(const struct sources *sources)
{
    struct page_scenario *told = xcalloc(sources->count + 1, sizeof(*told));
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = &sources->items[i];
        told[i] = (struct page_scenario){.name = source->name,
                                         .entries = &source->entries,
                                         .path = source->path,
                                         .problem = source->problem,
                                         .report = source->report,
                                         .migration = source->migration,
                                         .alarm = source->alarm,
                                         .alarm_word = source->alarm_word};
    }
    return told;
}

int sources_write_pages(const struct sources *sources, int64_t max_age_s, const char *reports,
                        const char *metrics, struct error *error)
{
    const struct gate_limits limits = {.max_age_s = max_age_s > 0 ? max_age_s : GATE_MAX_AGE_S};
    cleanup(free_pointer) struct page_scenario *told = sources_told(sources);
    time_t now = time(NULL);
    int outcome = page_write(told, sources->count, &limits, now, reports, error);
    if (outcome == 0 && metrics)
        outcome = metrics_write(told, sources->count, &limits, now, metrics, error);
    return outcome;
}

int write_pages(const struct loaded *loaded, int64_t max_age_s, const char *reports,
                const char *metrics, struct error *error)
{
    struct sources sources;
    sources_read(loaded, reports, &sources);
    int outcome = sources_write_pages(&sources, max_age_s, reports, metrics, error);
    sources_free(&sources);
    return outcome;
}
