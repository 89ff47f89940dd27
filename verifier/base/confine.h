/* What a child process may touch, by layers that the kernel gives to a process without rights:
 *
 * - no new privileges: no program that it runs gives it any (setuid), and of root's rights only
 * that to reach the files of others is left
 * - Landlock: which files it may read, change and run; signals and traces to none but its own
 * - a network of its own, which is empty, with System V memory of its own
 * - a filter of system calls
 * - limits on the sizes of files, on memory and on the number of processes; no core dumps
 *
 * A layer that the machine does not have is left out, and told; nothing fails for want of it. The
 * layers hold until the process and all its children have ended.
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/syscall_filter.h"

enum confine_layer {
    CONFINE_PRIVILEGES,
    CONFINE_FILES, /* Landlock */
    CONFINE_NETWORK,
    CONFINE_CALLS,
    CONFINE_LIMITS,
    CONFINE_LAYERS,
};

enum confine_network {
    CONFINE_NETWORK_ANY,    /* the machine's */
    CONFINE_NETWORK_LOCAL,  /* connects to unix sockets only */
    CONFINE_NETWORK_LISTEN, /* is connected to at unix sockets, and connects to nothing */
};

/* All zero confines nothing but core dumps and privileges. */
struct confinement {
    bool files;                /* give up all files that the following do not name */
    struct strings readable;   /* files, and directories with all that is below them */
    struct strings writable;   /* the same, which may be changed as well */
    struct strings executable; /* files that may be run */
    /* Why `files` is not asked for, told in the place of Landlock: freed with the rest; or NULL. */
    char *files_obstacle;
    bool calls; /* filter system calls */
    enum confine_network network;
    int64_t file_size_limit_bytes; /* 0: none */
    int64_t memory_limit_bytes;    /* of each process, of what it shares with no other; 0: none */
    bool limit_processes;          /* leave others half of the processes that its user may have */
    /* A program of the user's own, not one that works on a backup: what it may do stays as it is.
     */
    bool keeps_privileges;
};
void confinement_free(struct confinement *confinement); /* takes a zeroed one */

/* Which layers held. All zero: none was asked for. */
struct confined {
    bool wanted[CONFINE_LAYERS];
    char missing[CONFINE_LAYERS][96]; /* why one that was wanted could not be had; or "" */
};

/* Adds what held for one process more: held for all of them is what held for each. */
void confined_merge(struct confined *sum, const struct confined *one);

/* "no new privileges, Landlock, limits", and "own network (Operation not permitted)" of what could
 * not be had, each appended. */
void confined_describe(const struct confined *confined, struct buffer *held,
                       struct buffer *missing);

/* --- for base/process ------------------------------------------------------------------------- */

/* What the child needs, made before the fork. */
struct confine_kit {
    const struct confinement *confinement;
    int ruleset;        /* of Landlock; -1: none */
    int ruleset_reason; /* errno, when it could not be made */
    struct syscall_filter filter;
    struct rlimit processes, file_size, memory;
    char uid_map[64];
    char gid_map[64];
    bool network_left;
    int reasons[CONFINE_LAYERS]; /* errno; 0: held */
};

void confine_prepare(const struct confinement *confinement, uid_t uid, gid_t gid,
                     struct confine_kit *ret_kit);
void confine_kit_free(struct confine_kit *kit);

/* In the child: before and after it has become another user, and when nothing is left to be done
 * but exec. What fails is noted in `reasons`. -1 only when it cannot go on, with errno. */
void confine_as_starter(struct confine_kit *kit);
int confine_as_user(struct confine_kit *kit);
void confine_at_last(struct confine_kit *kit);

/* Puts the child's reasons into words. */
void confine_tell(const struct confine_kit *kit, const int reasons[CONFINE_LAYERS],
                  struct confined *ret_confined);

#endif
