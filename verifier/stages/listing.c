/* The listing of the bucket and its copy, in a thread beside all that is done with the backup. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "stages/run.h"

static void *list_objects(void *context)
{
    struct stages *stages = context;
    const struct stages_options *options = stages->options;
    struct error error;
    /* Signals are for the main thread, and a connection that is closed is an error like any other.
     */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    int outcome = objects_list(
        &stages->scenario->objects, options->object_checks, options->object_check_count,
        deadline_after(stages->scenario->restore.timeout_ms), &stages->objects, &error);
    stage_end(stages->facts, STAGE_OBJECTS, outcome, &error);
    return NULL;
}

void listing_start(struct stages *stages)
{
    if (stages->options->object_check_count == 0)
        return;
    stage_begin(stages->facts, STAGE_OBJECTS);
    if (pthread_create(&stages->listing, NULL, list_objects, stages) != 0) {
        fputs("restore-verifier: cannot start a thread\n", stderr);
        _exit(2);
    }
}

void listing_finish(struct stages *stages)
{
    if (stages->options->object_check_count > 0)
        pthread_join(stages->listing, NULL);
}

const struct listed_objects *stages_objects(const struct stages *stages)
{
    return stages->options->object_check_count > 0 ? &stages->objects : NULL;
}
