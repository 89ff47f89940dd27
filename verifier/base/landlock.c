#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by the version that brought them (include/uapi/linux/landlock.h of Linux 6.15). */
static const uint64_t fs_of_version_1 = (1ULL << 13) - 1;
static const uint64_t fs_refer = 1ULL << 13;     /* version 2: move between directories */
static const uint64_t fs_truncate = 1ULL << 14;  /* version 3 */
static const uint64_t fs_ioctl_dev = 1ULL << 15; /* version 5 */
static const uint64_t net_tcp = 3;               /* version 4: bind and connect */
static const uint64_t scope_all = 3;             /* version 6: abstract unix sockets, signals */

static const uint64_t fs_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

/* As the kernel of version 6 has it; an older one is given the part that it knows. */
struct ruleset_attributes {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

static uint64_t fs_known(int version)
{
    return fs_of_version_1 | (version >= 2 ? fs_refer : 0) | (version >= 3 ? fs_truncate : 0) |
           (version >= 5 ? fs_ioctl_dev : 0);
}

static int ruleset_create(const struct landlock_rules *rules, int version)
{
    struct ruleset_attributes attributes = {.handled_fs = fs_known(version)};
    if (version >= 4 && rules->no_tcp)
        attributes.handled_net = net_tcp;
    if (version >= 6)
        attributes.scoped = scope_all;
    size_t size = (version >= 6 ? 3 : version >= 4 ? 2 : 1) * sizeof(uint64_t);
    return (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
}

static int rule_add(int ruleset, const char *path, uint64_t rights)
{
    struct stat status;
    cleanup(close_descriptor) int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0 || fstat(place, &status) < 0)
        return 0;
    /* The kernel refuses rights that a file cannot have. */
    if (!S_ISDIR(status.st_mode))
        rights &= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                  LANDLOCK_ACCESS_FS_READ_FILE | fs_truncate | fs_ioctl_dev;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = place};
    return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int rules_add(int ruleset, const struct strings *paths, uint64_t rights)
{
    for (size_t i = 0; i < paths->count; i++)
        if (rule_add(ruleset, paths->items[i], rights) < 0)
            return -1;
    return 0;
}

int landlock_prepare(const struct landlock_rules *rules, int version)
{
    /* Devices and device files are nothing that anybody makes or commands here. */
    static const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | fs_ioctl_dev;
    int ruleset = ruleset_create(rules, version);
    if (ruleset < 0)
        return -1;
    if (rules_add(ruleset, rules->readable, fs_read) < 0 ||
        rules_add(ruleset, rules->writable, fs_known(version) & ~never) < 0 ||
        rules_add(ruleset, rules->executable,
                  LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE) < 0) {
        int reason = errno;
        close(ruleset);
        errno = reason;
        return -1;
    }
    return ruleset;
}

int landlock_enter(int ruleset)
{
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
