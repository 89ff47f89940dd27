/* Fuzzes the loading of a scenario file. Beyond memory errors it looks for broken promises: a file
 * either loads whole or tells why. `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool kept, const char *what)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static void check_loaded(const struct scenario *scenario)
{
    promise(scenario->name && *scenario->name, "a name");
    promise(scenario->backups.location && backup_names_count(&scenario->backups.names) > 0,
            "defaults");
    promise(scenario->restore.timeout_ms > 0, "a timeout");
    promise(scenario->restore.jobs >= 0 && scenario->restore.jobs <= 64, "jobs");
    for (size_t i = 0; i < scenario->table_count; i++)
        promise(scenario->tables[i].count > 0, "expectations under each table");
    for (size_t i = 0; i < scenario->query_count; i++)
        promise(scenario->queries[i].name && scenario->queries[i].sql &&
                    scenario->queries[i].expect.text,
                "whole queries");
    for (size_t i = 0; i < scenario->alembic_count; i++)
        promise(scenario->alembic[i].version != VERSION_LISTED ||
                    scenario->alembic[i].revisions.count > 0,
                "revisions");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("scenario", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    if (descriptor < 0 || write(descriptor, data, size) != (ssize_t)size)
        abort();
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    int result = scenario_load(path, &scenario, &problems);
    promise((result == 0) == (problems.count == 0), "a problem told for each failure");
    promise((result == 0) == (scenario != NULL), "a scenario for each success");
    if (scenario)
        check_loaded(scenario);
    scenario_free(scenario);
    strings_free(&problems);
    close(descriptor);
    return 0;
}
