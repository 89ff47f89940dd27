#include "commands/watching.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/ticker.h"
#include "report/progress.h"

struct watching {
    struct result result;
    struct progress *progress;
    struct ticker *ticker;
};

static bool look_on(void *context)
{
    struct watching *watching = context;
    progress_update(watching->progress, &watching->result, 1);
    return true;
}

struct watching *watching_start(const struct common_options *common, const char *scenario,
                                const struct facts *facts, enum report_kind kind)
{
    if (common->quiet)
        return NULL;
    struct watching *watching = xcalloc(1, sizeof(*watching));
    watching->result = (struct result){.scenario = scenario, .facts = facts, .kind = kind};
    watching->progress = progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO));
    watching->ticker = ticker_start(PROGRESS_REDRAW_MS, look_on, watching);
    return watching;
}

void watching_end(struct watching *watching)
{
    if (!watching)
        return;
    ticker_stop(watching->ticker);
    progress_free(watching->progress);
    free(watching);
}
