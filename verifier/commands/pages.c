#include "commands/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "history/history.h"
#include "report/metrics.h"
#include "report/page.h"

/* What lies behind one scenario of the page. */
struct source {
    struct history_entries entries;
    char *path;
    char *problem;
};

static void source_read(const struct scenario *scenario, const char *reports,
                        struct source *ret_source)
{
    struct error error;
    cleanup(strings_free) struct strings notices = {0};
    cleanup(history_freep) struct history *history = NULL;
    *ret_source = (struct source){0};
    if (history_open(scenario, reports, &history, &error) < 0 ||
        history_read(history, &ret_source->entries, &notices, &error) < 0)
        ret_source->problem = xstrdup(error.text);
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, notices.items[i]);
    ret_source->path = history ? history_path(history) : xstrdup("");
}

int write_pages(const struct loaded *loaded, int64_t max_age_s, const char *reports,
                const char *metrics, struct error *error)
{
    size_t count = 0;
    cleanup(free_pointer) struct source *sources =
        xcalloc(loaded->paths.count + 1, sizeof(*sources));
    cleanup(free_pointer) struct page_scenario *scenarios =
        xcalloc(loaded->paths.count + 1, sizeof(*scenarios));
    for (size_t i = 0; i < loaded->paths.count; i++) {
        if (!loaded->scenarios[i])
            continue;
        struct source *source = &sources[count];
        source_read(loaded->scenarios[i], reports, source);
        scenarios[count++] = (struct page_scenario){.name = loaded->scenarios[i]->name,
                                                    .entries = &source->entries,
                                                    .path = source->path,
                                                    .problem = source->problem};
    }
    const struct gate_limits limits = {.max_age_s = max_age_s > 0 ? max_age_s : GATE_MAX_AGE_S};
    time_t now = time(NULL);
    int outcome = page_write(scenarios, count, &limits, now, reports, error);
    if (outcome == 0 && metrics)
        outcome = metrics_write(scenarios, count, &limits, now, metrics, error);
    for (size_t i = 0; i < count; i++) {
        history_entries_free(&sources[i].entries);
        free(sources[i].path);
        free(sources[i].problem);
    }
    return outcome;
}
