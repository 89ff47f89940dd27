#include "postgres/tuning.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cgroup.h"
#include "postgres/restore_times.h"

static const int64_t mib = 1024 * 1024;

/* What the limit of one group leaves; `available` where it has none, or less. */
static int64_t left_in_group(const char *directory, int64_t available)
{
    cleanup(free_pointer) char *max = xasprintf("%s/memory.max", directory);
    cleanup(free_pointer) char *current = xasprintf("%s/memory.current", directory);
    int64_t limit = number_in_file(max, "");
    int64_t used = number_in_file(current, "");
    if (limit < 0 || used < 0 || limit - used >= available)
        return available;
    return limit > used ? limit - used : 0;
}

int64_t cgroup_memory_bytes(const char *tree, const char *own_groups, int64_t available)
{
    return cgroup_leaves(tree, own_groups, left_in_group, available);
}

int64_t available_memory_bytes(void)
{
    int64_t kib = number_in_file("/proc/meminfo", "MemAvailable:");
    int64_t available = kib < 0 ? 512 * mib : kib * 1024;
    return cgroup_memory_bytes(CGROUP_TREE, CGROUP_OWN, available);
}

static int64_t between(int64_t low, int64_t value, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A server with a gigabyte of them takes twice as long to start as one with 128 megabytes, which is
 * more than a small backup fills. */
static int64_t shared_buffers(const struct tuning *tuning)
{
    enum { UNPACKED_TIMES = 32 };
    int64_t most = between(16 * mib, tuning->memory_bytes / 8, 1024 * mib);
    if (tuning->backup_bytes <= 0 || tuning->backup_bytes > most / UNPACKED_TIMES)
        return most;
    return between(128 * mib < most ? 128 * mib : most, tuning->backup_bytes * UNPACKED_TIMES,
                   most);
}

void tuning_settings(const struct tuning *tuning, struct strings *settings)
{
    static const char *const fixed[] = {
        /* Nothing has to survive a crash. */
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "archive_mode=off",
        "max_wal_size=16GB",
        "checkpoint_timeout=1d",
        /* The restore is all there is; nothing runs beside it or comes after it. */
        "autovacuum=off",
        "track_counts=off",
        "max_parallel_workers_per_gather=0",
        /* Reached by one user through one socket; messages in the language that we read. */
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "lc_messages=C",
        "logging_collector=off",
        "log_destination=stderr",
        "log_timezone=UTC",
        /* Time, process, transaction and database: what a rehearsal reads (rehearsal/server_log).
         */
        "log_line_prefix=%m [%p] %v %d ",
        "log_disconnections=on",
        /* Shared memory in files of its own, not in /dev/shm, which is the whole machine's. */
        "dynamic_shared_memory_type=mmap",
        "TimeZone=UTC",
        /* Left by a backup's SQL, these could keep a server busy for ever. */
        "idle_in_transaction_session_timeout=1h",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fixed); i++)
        strings_add(settings, fixed[i]);
    int jobs = tuning->jobs;
    int64_t maintenance = between(16 * mib, tuning->memory_bytes / 4 / jobs, 1024 * mib);
    strings_addf(settings, "shared_buffers=%" PRId64 "MB", shared_buffers(tuning) / mib);
    strings_addf(settings, "maintenance_work_mem=%" PRId64 "MB", maintenance / mib);
    strings_addf(settings, "log_min_duration_statement=%dms", RESTORE_STATEMENT_MS);
    strings_addf(settings, "max_connections=%d", jobs + 20);
    /* One query on a table locks all its partitions and their indexes. */
    strings_add(settings, "max_locks_per_transaction=1024");
    strings_addf(settings, "max_worker_processes=%d", jobs + 2);
    /* A trigger on login would run for each of our connections, and may write what is counted, or
     * let nobody in. */
    if (tuning->major >= 17)
        strings_add(settings, "event_triggers=off");
    /* Nothing of a backup is to subscribe to anything, and its launcher need not run. */
    if (tuning->major >= 10)
        strings_add(settings, "max_logical_replication_workers=0");
    if (tuning->major < 11)
        return;
    strings_add(settings, "jit=off");
    strings_addf(settings, "max_parallel_maintenance_workers=%d", jobs > 1 ? 1 : 0);
}
