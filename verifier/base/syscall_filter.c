#include "base/syscall_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef OWN_ARCHITECTURE

/* The calls of x32, which x86-64 takes under the same architecture, have this bit. */
static const uint32_t x32_bit = 0x40000000;

static const int refused[] = {
    /* other processes */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp,
    SYS_process_madvise,
    /* ways around: calls made for us by the kernel, files by their handle */
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_open_by_handle_at,
    /* the machine */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_kexec_load, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_acct, SYS_quotactl};

static const int refused_to_listeners[] = {SYS_connect, SYS_sendmsg, SYS_sendmmsg};

static void add(struct syscall_filter *filter, struct sock_filter instruction)
{
    filter->code[filter->length++] = instruction;
}

static void add_load(struct syscall_filter *filter, size_t offset)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Goes on by so many instructions more when the loaded word is, or is not, the value. */
static void add_jump(struct syscall_filter *filter, uint32_t value, uint8_t equal, uint8_t other)
{
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, other));
}

static void add_end(struct syscall_filter *filter, uint32_t action)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void add_refusal(struct syscall_filter *filter, int reason)
{
    add_end(filter, SECCOMP_RET_ERRNO | (uint32_t)reason);
}

static void refuse_each(struct syscall_filter *filter, const int *calls, size_t count, int reason)
{
    for (size_t i = 0; i < count; i++) {
        add_jump(filter, (uint32_t)calls[i], 0, 1);
        add_refusal(filter, reason);
    }
}

/* The lower and the upper half of an argument lie in this order on these processors. */
static size_t argument(size_t index, size_t half)
{
    return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) + half * sizeof(uint32_t);
}

/* socket(DOMAIN, ...) */
static void refuse_other_sockets(struct syscall_filter *filter)
{
    add_jump(filter, SYS_socket, 0, 4);
    add_load(filter, argument(0, 0));
    add_jump(filter, AF_UNIX, 1, 0);
    add_refusal(filter, EACCES);
    add_end(filter, SECCOMP_RET_ALLOW);
}

/* sendto(SOCKET, BYTES, LENGTH, FLAGS, ADDRESS, ...), which send() is without an address. */
static void refuse_sending_unasked(struct syscall_filter *filter)
{
    add_jump(filter, SYS_sendto, 0, 6);
    add_load(filter, argument(4, 0));
    add_jump(filter, 0, 0, 2);
    add_load(filter, argument(4, 1));
    add_jump(filter, 0, 1, 0);
    add_refusal(filter, EACCES);
    add_end(filter, SECCOMP_RET_ALLOW);
}

void syscall_filter_build(enum syscall_network network, struct syscall_filter *ret_filter)
{
    struct syscall_filter filter = {0};
    add_load(&filter, offsetof(struct seccomp_data, arch));
    add_jump(&filter, OWN_ARCHITECTURE, 1, 0);
    add_refusal(&filter, ENOSYS); /* calls of another architecture have other numbers */
    add_load(&filter, offsetof(struct seccomp_data, nr));
    add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, x32_bit, 0, 1));
    add_refusal(&filter, ENOSYS);
    refuse_each(&filter, refused, ARRAY_LENGTH(refused), EPERM);
    if (network == SYSCALL_NETWORK_LISTEN) {
        refuse_each(&filter, refused_to_listeners, ARRAY_LENGTH(refused_to_listeners), EACCES);
        refuse_sending_unasked(&filter);
    }
    if (network != SYSCALL_NETWORK_ANY)
        refuse_other_sockets(&filter);
    add_end(&filter, SECCOMP_RET_ALLOW);
    *ret_filter = filter;
}

#else

void syscall_filter_build(enum syscall_network network, struct syscall_filter *ret_filter)
{
    (void)network;
    ret_filter->length = 0;
}

#endif

int syscall_filter_enter(const struct syscall_filter *filter)
{
    struct sock_fprog program = {.len = filter->length,
                                 .filter = (struct sock_filter *)(uintptr_t)filter->code};
    if (filter->length == 0) {
        errno = ENOTSUP;
        return -1;
    }
    /* Without the flag, older kernels also slow the process down, against attacks on processors
     * that read memory of the same process. */
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                        &program);
}
