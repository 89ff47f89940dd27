/* Filters of system calls (seccomp(2)): what no server and no client of ours has to ask the kernel
 * for is refused, whatever code runs in it.
 *
 * Refused to all: other processes' memory and descriptors, and the doors through which a process
 * changes the machine (mounts, namespaces, modules, keys) or goes around the other layers
 * (io_uring). The network is refused by degrees; that holds where no network namespace can be had,
 * and reaches what such a namespace does not: unix sockets of other servers, found by their path.
 */
#ifndef BASE_SYSCALL_FILTER_H
#define BASE_SYSCALL_FILTER_H

#include <linux/filter.h>

enum syscall_network {
    SYSCALL_NETWORK_ANY,
    SYSCALL_NETWORK_LOCAL,  /* sockets are unix sockets */
    SYSCALL_NETWORK_LISTEN, /* and answer those who come: nothing is connected to, or sent unasked
                             */
};

enum { SYSCALL_FILTER_LIMIT = 128 };

struct syscall_filter {
    struct sock_filter code[SYSCALL_FILTER_LIMIT];
    unsigned short length; /* 0: none for this kind of processor */
};

void syscall_filter_build(enum syscall_network network, struct syscall_filter *ret_filter);

/* Puts the calling process and its children under the filter, for good. It has no new privileges.
 * Safe after fork. -1 with errno. */
int syscall_filter_enter(const struct syscall_filter *filter);

#endif
