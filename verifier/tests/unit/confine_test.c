#include "base/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/landlock.h"
#include "base/memory.h"
#include "base/process.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

enum { ENOUGH_MS = 30000, LIMIT_BYTES = 100000 };

/* A place with things to reach for, and a process that reaches. */
struct world {
    char *directory;
    char *own; /* in it: where it may write */
    pid_t neighbour;
    int port;
    char *script;
    long most_children; /* that it may have, as we may */
};

static const struct account nobody = {.uid = 65534, .gid = 65534};

static const struct account *ordinary(void)
{
    return geteuid() == 0 ? &nobody : NULL;
}

/* Reaches for one thing after the other and says for each whether it got it. */
static const char reaching[] =
    "import ctypes, os, resource, signal, socket, sys\n"
    "place, port, neighbour = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def call(*arguments):\n"
    "    if libc.syscall(*arguments) < 0:\n"
    "        raise OSError(ctypes.get_errno(), '')\n"
    "def connect(family, address):\n"
    "    socket.socket(family).connect(address)\n"
    "def run():\n"
    "    os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', ':'], {}), 0)\n"
    "def fill():\n"
    "    with open(place + '/own/large', 'wb', buffering=0) as file:\n"
    "        for _ in range(2):\n"
    "            if file.write(bytes(100000)) < 100000: raise OSError()\n"
    "def unasked():\n"
    "    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', place + '/datagrams')\n"
    "def listen():\n"
    "    server = socket.socket(socket.AF_UNIX)\n"
    "    server.bind(place + '/own/mine')\n"
    "    server.listen()\n"
    "def pair():\n"
    "    one, other = socket.socketpair()\n"
    "    one.send(b'x')\n"
    "    assert other.recv(1) == b'x'\n"
    "def core():\n"
    "    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0: raise OSError()\n"
    "def privileges():\n"
    "    if 'NoNewPrivs:\\t1' in open('/proc/self/status').read(): raise OSError()\n"
    "def children():\n"
    "    if resource.getrlimit(resource.RLIMIT_NPROC)[0] != int(sys.argv[4]): raise OSError()\n"
    "def rename():\n"
    "    os.makedirs(place + '/own/sub'); open(place + '/own/a', 'w').close()\n"
    "    os.rename(place + '/own/a', place + '/own/sub/b'); os.truncate(place + '/own/sub/b', 1)\n"
    "reach = {\n"
    "    'read': lambda: open(place + '/secret').read(),\n"
    "    'list': lambda: os.listdir(place),\n"
    "    'read given': lambda: open(place + '/given').read(),\n"
    "    'write': lambda: open(place + '/canary', 'w'),\n"
    "    'write given': lambda: open(place + '/given', 'a'),\n"
    "    'write own': rename,\n"
    "    'run': run,\n"
    "    'loopback': lambda: connect(socket.AF_INET, ('127.0.0.1', port)),\n"
    "    'socket': lambda: connect(socket.AF_UNIX, place + '/listener'),\n"
    "    'abstract': lambda: connect(socket.AF_UNIX, '\\0' + place),\n"
    "    'unasked': unasked,\n"
    "    'listen': listen,\n"
    "    'pair': pair,\n"
    "    'signal': lambda: os.kill(neighbour, 0),\n"
    "    'environment': lambda: os.environ['UNIT_CANARY'],\n"
    "    'large file': fill,\n"
    "    'core': core,\n"
    "    'much memory': lambda: bytearray(1 << 29),\n"
    "    'many children': children,\n"
    "    'trace': lambda: call(101 if os.uname().machine == 'x86_64' else 117, 0x4206, neighbour, "
    "0, 0),\n"
    "}\n"
    "for name, get in reach.items():\n"
    "    try:\n"
    "        get()\n"
    "        print(name + ';', end='')\n"
    "    except (OSError, KeyError, MemoryError):\n"
    "        pass\n";

/* Open until the test's process ends. */
static int listener_open(int family, int type, const void *address, socklen_t length)
{
    int listener = socket(family, type | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, address, length), 0);
    if (type == SOCK_STREAM)
        ck_assert_int_eq(listen(listener, 10), 0);
    return listener;
}

static void unix_listener_open(const struct world *world, int type, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = sizeof(address);
    if (name) {
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", world->directory, name);
    } else { /* in no directory */
        strcpy(address.sun_path + 1, world->directory);
        length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(world->directory);
    }
    int listener = listener_open(AF_UNIX, type, &address, (socklen_t)length);
    ck_assert_int_ge(listener, 0); /* it stays open for as long as the test runs */
    if (name)
        ck_assert_int_eq(chmod(address.sun_path, 0777), 0);
}

static void world_make(struct world *world)
{
    *world = (struct world){.directory = scratch_new()};
    world->own = scratch_path(world->directory, "own");
    world->script = scratch_path(world->directory, "reach.py");
    cleanup(free_pointer) char *secret = scratch_path(world->directory, "secret");
    cleanup(free_pointer) char *given = scratch_path(world->directory, "given");
    scratch_write(world->script, reaching, 0644);
    scratch_write(secret, "secret", 0644);
    scratch_write(given, "given", 0666);
    ck_assert_int_eq(mkdir(world->own, 0755), 0);
    ck_assert_int_eq(chmod(world->own, 0777), 0);
    ck_assert_int_eq(chmod(world->directory, 0777), 0);
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(loopback);
    int listener = listener_open(AF_INET, SOCK_STREAM, &loopback, sizeof(loopback));
    getsockname(listener, (struct sockaddr *)&loopback, &length);
    world->port = ntohs(loopback.sin_port);
    unix_listener_open(world, SOCK_STREAM, "listener");
    unix_listener_open(world, SOCK_STREAM, NULL);
    unix_listener_open(world, SOCK_DGRAM, "datagrams");
    const char *const argv[] = {"/bin/sleep", "60", NULL};
    struct process_options options = {.argv = argv, .account = ordinary()};
    struct error error;
    ck_assert_int_eq(process_start(&options, &world->neighbour, &error), 0);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
    world->most_children = (long)limit.rlim_cur;
    setenv("UNIT_CANARY", "seen", 1);
}

static void world_free(struct world *world)
{
    kill(world->neighbour, SIGKILL);
    waitpid(world->neighbour, NULL, 0);
    scratch_free(&world->directory);
    free(world->own);
    free(world->script);
}

/* What a child got, each thing followed by a semicolon: to be freed by the caller. */
static char *reach(const struct world *world, const struct account *account,
                   const struct confinement *confinement, struct confined *confined)
{
    char port[16], neighbour[16], children[32];
    snprintf(children, sizeof(children), "%ld", world->most_children);
    snprintf(port, sizeof(port), "%d", world->port);
    snprintf(neighbour, sizeof(neighbour), "%d", (int)world->neighbour);
    const char *const argv[] = {"/usr/bin/python3", "-ISB",   world->script, world->directory, port,
                                neighbour,          children, NULL};
    struct process_options options = {
        .argv = argv, .account = account, .confinement = confinement, .ret_confined = confined};
    struct process_result result;
    struct error error = {0};
    int outcome = process_run(&options, deadline_after(ENOUGH_MS), &result, &error);
    ck_assert_msg(outcome == 0, "%s", error.text);
    ck_assert_msg(result.exit_code == 0, "%s", result.errors.data);
    char *got = buffer_steal(&result.output);
    process_result_free(&result);
    return got;
}

static bool got_it(const char *got, const char *name)
{
    cleanup(free_pointer) char *item = xasprintf("%s;", name);
    const char *found = strstr(got, item);
    return found && (found == got || found[-1] == ';');
}

enum { FILES = 1, NETWORK = 2, CALLS = 4, LISTEN = 8, LIMITS = 16, EVERYTHING = 31 };
enum { MEMORY_LIMIT_BYTES = 1 << 28 };

static void confinement_make(const struct world *world, int layers, struct confinement *ret)
{
    static const char *const machine[] = {
        "/usr/lib", "/lib", "/lib64", "/usr/share", "/etc/ld.so.cache", "/usr/local/lib"};
    static const char *const programs[] = {"/usr/bin/python3", "/lib64/ld-linux-x86-64.so.2",
                                           "/lib/ld-linux-aarch64.so.1"};
    struct confinement confinement = {
        .files = layers & FILES,
        .calls = layers & CALLS,
        .network = layers & LISTEN    ? CONFINE_NETWORK_LISTEN
                   : layers & NETWORK ? CONFINE_NETWORK_LOCAL
                                      : CONFINE_NETWORK_ANY,
        .file_size_limit_bytes = layers & LIMITS ? LIMIT_BYTES : 0,
        .memory_limit_bytes = layers & LIMITS ? MEMORY_LIMIT_BYTES : 0,
        .limit_processes = layers & LIMITS,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(machine); i++)
        strings_add(&confinement.readable, machine[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++)
        strings_add(&confinement.executable, programs[i]);
    strings_addf(&confinement.readable, "%s/given", world->directory);
    strings_add(&confinement.readable, world->script);
    strings_add(&confinement.readable, "/nowhere/at/all");
    strings_add(&confinement.writable, world->own);
    *ret = confinement;
}

static const struct {
    const char *name;
    int layers;
    const char *refused; /* each followed by a semicolon */
} layers[] = {
    {"none", 0, "environment;core;"},
    {"Landlock", FILES, "environment;core;read;list;write;write given;run;abstract;signal;trace;"},
    {"network", NETWORK, "environment;core;loopback;abstract;"},
    {"calls", CALLS, "environment;core;trace;"},
    {"calls and network", CALLS | NETWORK, "environment;core;trace;loopback;abstract;"},
    {"calls, as a server", CALLS | NETWORK | LISTEN,
     "environment;core;trace;loopback;abstract;socket;unasked;"},
    {"limits", LIMITS, "environment;core;large file;much memory;many children;"},
    {"all", EVERYTHING,
     "environment;core;read;list;write;write given;run;abstract;signal;trace;loopback;socket;"
     "unasked;large file;much memory;many children;"},
};

static const char *const all_names[] = {
    "read",   "list",    "read given", "write",    "write given",   "write own",  "run",
    "socket", "listen",  "pair",       "signal",   "environment",   "large file", "core",
    "trace",  "unasked", "abstract",   "loopback", "many children", "much memory"};

/* Whether a thing is there to be got at all, on any machine; of traces, the machine decides. */
static bool may_be_told(const char *name, bool refused, const struct confined *confined)
{
    if (strcmp(name, "trace") == 0 && !refused)
        return false;
    if ((strcmp(name, "signal") == 0 || strcmp(name, "abstract") == 0) && landlock_version() < 6)
        return false;
    for (size_t i = 0; i < CONFINE_LAYERS; i++)
        if (*confined->missing[i])
            return false;
    return true;
}

START_TEST(each_layer_refuses_what_it_is_for)
{
    struct world world;
    struct confinement confinement;
    struct confined confined = {0};
    world_make(&world);
    confinement_make(&world, layers[_i].layers, &confinement);
    cleanup(free_pointer) char *got = reach(&world, ordinary(), &confinement, &confined);
    for (size_t i = 0; i < ARRAY_LENGTH(all_names); i++) {
        bool refused = got_it(layers[_i].refused, all_names[i]);
        if (may_be_told(all_names[i], refused, &confined))
            ck_assert_msg(got_it(got, all_names[i]) == !refused, "%s: %s: %s", layers[_i].name,
                          all_names[i], got);
    }
    struct buffer held, missing;
    buffer_init(&held, 1000);
    buffer_init(&missing, 1000);
    confined_describe(&confined, &held, &missing);
    if (missing.length > 0)
        fprintf(stderr, "%s: not on this machine: %s\n", layers[_i].name, missing.data);
    else if (layers[_i].layers == EVERYTHING)
        ck_assert_str_eq(held.data,
                         "no new privileges, Landlock, own network, system call filter, limits");
    buffer_free(&held);
    buffer_free(&missing);
    confinement_free(&confinement);
    world_free(&world);
}
END_TEST

/* Root itself runs what others could not give the backup to: it is held like everybody. */
START_TEST(root_is_held_as_well)
{
    if (geteuid() != 0) {
        fputs("skipped: only root is root\n", stderr);
        return;
    }
    struct world world;
    struct confinement confinement;
    struct confined confined = {0};
    world_make(&world);
    cleanup(free_pointer) char *given = scratch_path(world.directory, "given");
    ck_assert_int_eq(chown(given, 65534, 65534), 0);
    ck_assert_int_eq(chmod(given, 0600), 0);
    confinement_make(&world, EVERYTHING, &confinement);
    cleanup(free_pointer) char *got = reach(&world, NULL, &confinement, &confined);
    ck_assert_msg(got_it(got, "read given") && got_it(got, "write own"), "%s", got);
    if (!*confined.missing[CONFINE_FILES])
        ck_assert_msg(!got_it(got, "read") && !got_it(got, "write") && !got_it(got, "run"), "%s",
                      got);
    /* Nor is it root to anything but files. */
    const char *const argv[] = {"/bin/sh", "-c",
                                "grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/$$/status", NULL};
    confinement.files = false;
    struct process_options options = {.argv = argv, .confinement = &confinement};
    struct process_result result;
    struct error error;
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), 0);
    ck_assert_str_eq(result.output.data, "CapPrm:\t0000000000000006\nCapEff:\t0000000000000006\n"
                                         "NoNewPrivs:\t1\n");
    process_result_free(&result);
    confinement_free(&confinement);
    world_free(&world);
}
END_TEST

/* --- machines that lack something ------------------------------------------------------------- */

/* Makes this process, and what it starts, live on a kernel that refuses a system call. */
static void lack(int call, int reason)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)reason),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_LENGTH(code), .filter = code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

static const struct {
    const char *name;
    int calls[4]; /* ends with 0 */
    int reason;
    enum confine_layer layer;
    const char *missing;
} machines[] = {
    {"a kernel without Landlock",
     {SYS_landlock_create_ruleset},
     ENOSYS,
     CONFINE_FILES,
     "Landlock (Function not implemented)"},
    {"a kernel that was started without Landlock",
     {SYS_landlock_create_ruleset},
     EOPNOTSUPP,
     CONFINE_FILES,
     "Landlock (Operation not supported)"},
    {"a container that forbids Landlock",
     {SYS_landlock_restrict_self},
     EPERM,
     CONFINE_FILES,
     "Landlock (Operation not permitted)"},
    {"a container that forbids namespaces",
     {SYS_unshare},
     EPERM,
     CONFINE_NETWORK,
     "own network (Operation not permitted)"},
    {"a container that forbids limits",
     {SYS_prlimit64, SYS_setrlimit},
     EPERM,
     CONFINE_LIMITS,
     "limits (Operation not permitted)"},
    {"a kernel without filters",
     {SYS_seccomp},
     EINVAL,
     CONFINE_CALLS,
     "system call filter (Invalid argument)"},
};

START_TEST(a_layer_that_is_not_there_is_told_and_the_others_hold)
{
    struct world world;
    struct confinement confinement;
    struct confined confined = {0};
    struct buffer held, missing;
    world_make(&world);
    confinement_make(&world, EVERYTHING, &confinement);
    for (size_t i = 0; machines[_i].calls[i] != 0; i++)
        lack(machines[_i].calls[i], machines[_i].reason);
    cleanup(free_pointer) char *got = reach(&world, ordinary(), &confinement, &confined);
    ck_assert_msg(got_it(got, "read given") && !got_it(got, "environment"), "%s", got);
    buffer_init(&held, 1000);
    buffer_init(&missing, 1000);
    confined_describe(&confined, &held, &missing);
    ck_assert_msg(strstr(missing.data, machines[_i].missing), "%s", missing.data);
    for (size_t i = 0; i < CONFINE_LAYERS; i++)
        ck_assert(confined.wanted[i]);
    if (machines[_i].layer != CONFINE_FILES && !*confined.missing[CONFINE_FILES])
        ck_assert_msg(!got_it(got, "read") && !got_it(got, "run"), "%s", got);
    /* The filter knows no other sockets, where there is no network of its own. */
    if (machines[_i].layer != CONFINE_CALLS && !*confined.missing[CONFINE_CALLS])
        ck_assert_msg(!got_it(got, "loopback") && !got_it(got, "socket"), "%s", got);
    if (machines[_i].layer == CONFINE_CALLS && !*confined.missing[CONFINE_NETWORK])
        ck_assert_msg(!got_it(got, "loopback"), "%s", got);
    buffer_free(&held);
    buffer_free(&missing);
    confinement_free(&confinement);
    world_free(&world);
}
END_TEST

/* An older kernel refuses what it does not know: here each version is asked of one that knows all
 * of them. */
START_TEST(each_version_of_landlock_is_asked_for_what_it_knows)
{
    struct world world;
    struct confinement confinement;
    world_make(&world);
    confinement_make(&world, FILES, &confinement);
    struct landlock_rules rules = {.readable = &confinement.readable,
                                   .writable = &confinement.writable,
                                   .executable = &confinement.executable,
                                   .no_tcp = true};
    int newest = landlock_version();
    for (int version = 1; version <= newest; version++) {
        cleanup(close_descriptor) int ruleset = landlock_prepare(&rules, version);
        ck_assert_msg(ruleset >= 0, "version %d: %s", version, strerror(errno));
    }
    if (newest == 0)
        fputs("skipped: this machine has no Landlock\n", stderr);
    confinement_free(&confinement);
    world_free(&world);
}
END_TEST

START_TEST(what_held_for_both_is_what_held_for_each)
{
    struct confined sum = {0}, one = {0};
    struct buffer held, missing;
    sum.wanted[CONFINE_FILES] = sum.wanted[CONFINE_PRIVILEGES] = true;
    one = sum;
    one.wanted[CONFINE_NETWORK] = true;
    strcpy(one.missing[CONFINE_FILES], "pg_restore is a script");
    confined_merge(&sum, &one);
    buffer_init(&held, 1000);
    buffer_init(&missing, 1000);
    confined_describe(&sum, &held, &missing);
    ck_assert_str_eq(held.data, "no new privileges, own network");
    ck_assert_str_eq(missing.data, "Landlock (pg_restore is a script)");
    buffer_free(&held);
    buffer_free(&missing);
}
END_TEST

Suite *confine_suite(void)
{
    Suite *suite = suite_create("base/confine");
    add_table_test(suite, each_layer_refuses_what_it_is_for, ARRAY_LENGTH(layers));
    add_test(suite, root_is_held_as_well);
    add_table_test(suite, a_layer_that_is_not_there_is_told_and_the_others_hold,
                   ARRAY_LENGTH(machines));
    add_test(suite, each_version_of_landlock_is_asked_for_what_it_knows);
    add_test(suite, what_held_for_both_is_what_held_for_each);
    return suite;
}
