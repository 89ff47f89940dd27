#include "commands/jobs.h"

#include <stdio.h>

#include "base/processors.h"
#include "commands/options.h"
#include "postgres/tuning.h"

/* Of a server with its restore, its checks and the reading of the backup. The smallest take some 80
 * MiB; with the comfortable amount sorts and indexes seldom go to disk. */
static const int64_t least_bytes = (int64_t)128 << 20;
static const int64_t comfortable_bytes = (int64_t)512 << 20;

static int64_t least_of(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

int jobs_for(const struct machine *machine, int wanted, size_t scenarios)
{
    int64_t jobs = wanted > 0 ? wanted : 1;
    if (wanted == JOBS_AUTO)
        jobs = least_of(machine->processors, machine->memory_bytes / comfortable_bytes);
    jobs = least_of(jobs, machine->memory_bytes / least_bytes);
    jobs = least_of(jobs, (int64_t)scenarios);
    return jobs > 1 ? (int)jobs : 1;
}

int jobs_here(int wanted, size_t scenarios)
{
    const struct machine machine = {processors(), available_memory_bytes()};
    int jobs = jobs_for(&machine, wanted, scenarios);
    if (wanted > jobs && (size_t)jobs < scenarios)
        fprintf(stderr,
                "restore-verifier: %d at a time instead of %d, because %lld MiB of memory are free "
                "and each needs %lld\n",
                jobs, wanted, (long long)(machine.memory_bytes >> 20),
                (long long)(least_bytes >> 20));
    return jobs;
}
