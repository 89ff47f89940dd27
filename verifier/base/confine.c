#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/landlock.h"

/* What follows a network: System V memory, which other programs of the same user could share. */
enum { OWN_NETWORK = CLONE_NEWNET | CLONE_NEWIPC };

enum { FEW_PROCESSES = 8192, MOST_PROCESSES = 16384 };

void confinement_free(struct confinement *confinement)
{
    strings_free(&confinement->readable);
    strings_free(&confinement->writable);
    strings_free(&confinement->executable);
    free(confinement->files_obstacle);
    *confinement = (struct confinement){0};
}

/* --- what held -------------------------------------------------------------------------------- */

static bool is_wanted(const struct confinement *confinement, enum confine_layer layer)
{
    switch (layer) {
    case CONFINE_FILES:
        return confinement->files || confinement->files_obstacle;
    case CONFINE_NETWORK:
        return confinement->network != CONFINE_NETWORK_ANY;
    case CONFINE_CALLS:
        return confinement->calls;
    case CONFINE_PRIVILEGES:
        return !confinement->keeps_privileges;
    case CONFINE_LIMITS:
    case CONFINE_LAYERS:
        break;
    }
    return true;
}

void confine_tell(const struct confine_kit *kit, const int reasons[CONFINE_LAYERS],
                  struct confined *ret_confined)
{
    struct confined confined = {0};
    for (size_t i = 0; i < CONFINE_LAYERS; i++) {
        confined.wanted[i] = is_wanted(kit->confinement, i);
        if (confined.wanted[i] && reasons[i] != 0)
            text_copy(confined.missing[i], sizeof(confined.missing[i]),
                      i == CONFINE_NETWORK && reasons[i] == ENOENT ? "/proc is not mounted"
                                                                   : strerror(reasons[i]));
    }
    if (kit->confinement->files_obstacle)
        text_copy(confined.missing[CONFINE_FILES], sizeof(confined.missing[CONFINE_FILES]),
                  kit->confinement->files_obstacle);
    *ret_confined = confined;
}

void confined_merge(struct confined *sum, const struct confined *one)
{
    for (size_t i = 0; i < CONFINE_LAYERS; i++) {
        sum->wanted[i] |= one->wanted[i];
        if (!*sum->missing[i])
            memcpy(sum->missing[i], one->missing[i], sizeof(sum->missing[i]));
    }
}

void confined_describe(const struct confined *confined, struct buffer *held, struct buffer *missing)
{
    static const char *const names[CONFINE_LAYERS] = {
        [CONFINE_PRIVILEGES] = "no new privileges",
        [CONFINE_FILES] = "Landlock",
        [CONFINE_NETWORK] = "own network",
        [CONFINE_CALLS] = "system call filter",
        [CONFINE_LIMITS] = "limits",
    };
    for (size_t i = 0; i < CONFINE_LAYERS; i++) {
        if (!confined->wanted[i])
            continue;
        if (*confined->missing[i])
            buffer_printf(missing, "%s%s (%s)", missing->length > 0 ? ", " : "", names[i],
                          confined->missing[i]);
        else
            buffer_printf(held, "%s%s", held->length > 0 ? ", " : "", names[i]);
    }
}

/* --- before the fork -------------------------------------------------------------------------- */

static struct rlimit lowered(int resource, rlim_t wanted)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(resource, &limit);
    if (wanted < limit.rlim_max)
        limit.rlim_max = wanted;
    limit.rlim_cur = limit.rlim_max;
    return limit;
}

/* The kernel counts all that a user runs on the machine, in other containers too, which nobody can
 * see from everywhere: so the limit is a wide one, which leaves others half of what there is. */
static struct rlimit processes_limit(void)
{
    struct rlimit limit = lowered(RLIMIT_NPROC, RLIM_INFINITY);
    rlim_t half = limit.rlim_max == RLIM_INFINITY ? MOST_PROCESSES : limit.rlim_max / 2;
    return lowered(RLIMIT_NPROC, half > FEW_PROCESSES ? half : FEW_PROCESSES);
}

static void limits_prepare(const struct confinement *confinement, struct confine_kit *kit)
{
    if (confinement->file_size_limit_bytes > 0)
        kit->file_size = lowered(RLIMIT_FSIZE, (rlim_t)confinement->file_size_limit_bytes);
    if (confinement->memory_limit_bytes > 0)
        kit->memory = lowered(RLIMIT_DATA, (rlim_t)confinement->memory_limit_bytes);
    if (confinement->limit_processes)
        kit->processes = processes_limit();
}

static void files_prepare(const struct confinement *confinement, struct confine_kit *kit)
{
    struct landlock_rules rules = {.readable = &confinement->readable,
                                   .writable = &confinement->writable,
                                   .executable = &confinement->executable,
                                   .no_tcp = confinement->network != CONFINE_NETWORK_ANY};
    int version = landlock_version();
    cleanup(close_descriptor) int ruleset = version > 0 ? landlock_prepare(&rules, version) : -1;
    /* With a number that the child does not give to something else. */
    if (ruleset >= 0)
        kit->ruleset = fcntl(ruleset, F_DUPFD_CLOEXEC, 10);
    if (kit->ruleset < 0)
        kit->ruleset_reason = errno;
}

static enum syscall_network network_of(const struct confinement *confinement)
{
    switch (confinement->network) {
    case CONFINE_NETWORK_LOCAL:
        return SYSCALL_NETWORK_LOCAL;
    case CONFINE_NETWORK_LISTEN:
        return SYSCALL_NETWORK_LISTEN;
    case CONFINE_NETWORK_ANY:
        break;
    }
    return SYSCALL_NETWORK_ANY;
}

void confine_prepare(const struct confinement *confinement, uid_t uid, gid_t gid,
                     struct confine_kit *ret_kit)
{
    struct confine_kit kit = {.confinement = confinement, .ruleset = -1};
    if (confinement) {
        snprintf(kit.uid_map, sizeof(kit.uid_map), "%u %u 1", uid, uid);
        snprintf(kit.gid_map, sizeof(kit.gid_map), "%u %u 1", gid, gid);
        limits_prepare(confinement, &kit);
        if (confinement->files)
            files_prepare(confinement, &kit);
        if (confinement->calls)
            syscall_filter_build(network_of(confinement), &kit.filter);
    }
    *ret_kit = kit;
}

void confine_kit_free(struct confine_kit *kit)
{
    close_descriptor(&kit->ruleset);
}

/* --- in the child: only calls that are safe after fork ---------------------------------------- */

static void set_limit(struct confine_kit *kit, __rlimit_resource_t resource,
                      const struct rlimit *limit)
{
    if (setrlimit(resource, limit) < 0)
        kit->reasons[CONFINE_LIMITS] = errno;
}

static void limits_set(struct confine_kit *kit)
{
    static const struct rlimit none = {0, 0};
    set_limit(kit, RLIMIT_CORE, &none);
    if (kit->confinement->file_size_limit_bytes > 0)
        set_limit(kit, RLIMIT_FSIZE, &kit->file_size);
    if (kit->confinement->memory_limit_bytes > 0)
        set_limit(kit, RLIMIT_DATA, &kit->memory);
    if (kit->confinement->limit_processes)
        set_limit(kit, RLIMIT_NPROC, &kit->processes);
}

/* As root, or whoever may administer the network. */
void confine_as_starter(struct confine_kit *kit)
{
    if (!kit->confinement)
        return;
    limits_set(kit);
    if (kit->confinement->network != CONFINE_NETWORK_ANY)
        kit->network_left = unshare(OWN_NETWORK) == 0;
}

static bool write_text(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    ssize_t length = (ssize_t)strlen(text);
    bool written = write(descriptor, text, (size_t)length) == length;
    close(descriptor);
    return written;
}

/* By a user namespace of the user that we have become: only this one's ids are known in it, so the
 * change of user must come before. Unix sockets are reached by path and work all the same. */
int confine_as_user(struct confine_kit *kit)
{
    if (!kit->confinement || kit->confinement->network == CONFINE_NETWORK_ANY || kit->network_left)
        return 0;
    /* Root has no rights over the files of others in a namespace that knows only root. */
    if (kit->confinement->keeps_privileges && geteuid() == 0) {
        kit->reasons[CONFINE_NETWORK] = EPERM;
        return 0;
    }
    /* After a change of user our files in /proc belong to root until we say otherwise. */
    prctl(PR_SET_DUMPABLE, 1);
    if (access("/proc/self/uid_map", W_OK) < 0 || unshare(CLONE_NEWUSER | OWN_NETWORK) < 0) {
        kit->reasons[CONFINE_NETWORK] = errno;
        return 0;
    }
    /* There is no way back, and nobody else knows us here until this is done. */
    write_text("/proc/self/setgroups", "deny");
    return write_text("/proc/self/uid_map", kit->uid_map) &&
                   write_text("/proc/self/gid_map", kit->gid_map)
               ? 0
               : -1;
}

/* Root runs a tool itself only where nobody else could read the backup. Together with no new
 * privileges the rest does not come back with exec. */
static int keep_only_files(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    if (geteuid() != 0)
        return 0;
    if (syscall(SYS_capget, &header, sets) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        uint32_t kept = i == 0 ? 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH : 0;
        sets[i].effective &= kept;
        sets[i].permitted &= kept;
        sets[i].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, sets);
}

void confine_at_last(struct confine_kit *kit)
{
    if (!kit->confinement)
        return;
    if (!kit->confinement->keeps_privileges &&
        (keep_only_files() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
        kit->reasons[CONFINE_PRIVILEGES] = errno;
    if (kit->confinement->files) {
        kit->reasons[CONFINE_FILES] = kit->ruleset_reason;
        if (kit->ruleset >= 0 && landlock_enter(kit->ruleset) < 0)
            kit->reasons[CONFINE_FILES] = errno;
    }
    /* Last, since it refuses what the others ask for. */
    if (kit->confinement->calls && syscall_filter_enter(&kit->filter) < 0)
        kit->reasons[CONFINE_CALLS] = errno;
}
