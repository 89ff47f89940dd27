#include "stages/facts.h"

#include "base/clock.h"

const char *stage_name(enum stage stage)
{
    static const char *const names[STAGE_COUNT] = {
        [STAGE_FIND] = "find",         [STAGE_READ] = "read",       [STAGE_START] = "start",
        [STAGE_RESTORE] = "restore",   [STAGE_OBJECTS] = "objects", [STAGE_CHECK] = "check",
        [STAGE_REHEARSE] = "rehearse", [STAGE_STOP] = "stop",
    };
    return names[stage];
}

void chore_begin(struct facts *facts, enum chore_step step)
{
    facts->chore.began_ms = clock_ms();
    facts->chore.step = step;
}

void stage_begin(struct facts *facts, enum stage stage)
{
    facts->stages[stage].started_ms = clock_ms();
    facts->stages[stage].state = STAGE_RUNNING;
}

int stage_end(struct facts *facts, enum stage stage, int outcome, const struct error *error)
{
    struct stage_fact *fact = &facts->stages[stage];
    fact->duration_ms = clock_ms() - fact->started_ms;
    fact->state = outcome == 0 ? STAGE_DONE : STAGE_FAILED;
    if (outcome < 0)
        fact->error = *error;
    return outcome;
}

void stage_fail(struct facts *facts, enum stage stage, const struct error *error)
{
    facts->stages[stage].state = STAGE_FAILED;
    facts->stages[stage].error = *error;
}
