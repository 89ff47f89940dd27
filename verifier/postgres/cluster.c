#include "postgres/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "postgres/confinement.h"
#include "postgres/connection.h"
#include "postgres/ready_cluster.h"
#include "postgres/tuning.h"

const char cluster_superuser[] = "restore_verifier";
static const char port[] = "5432"; /* only a part of the socket's name */

enum { PROBE_TIMEOUT_MS = 5000, PROBE_EVERY_MS = 3, STOP_TIMEOUT_MS = 5000, LOG_TAIL_BYTES = 1200 };

struct cluster {
    pid_t pid;
    char *data;    /* the data directory */
    char *sockets; /* where the unix socket is */
    char *log;     /* the server's log file */
    char *origin;  /* how the data directory was made */
    bool copied;   /* of a ready cluster */
    struct address address;
    struct confined confined;
};

static void cluster_free(struct cluster *cluster)
{
    free(cluster->data);
    free(cluster->sockets);
    free(cluster->log);
    free(cluster->origin);
    address_free(&cluster->address);
    free(cluster);
}

static int private_directory(const char *path, const struct account *account, struct error *error)
{
    if (mkdir(path, 0700) < 0)
        return cannot_verify(error, "cannot make %s: %s", path, strerror(errno));
    if (geteuid() == 0 && chown(path, account->uid, account->gid) < 0)
        return cannot_verify(error, "cannot give %s to the server's user: %s", path,
                             strerror(errno));
    return 0;
}

/* The last words of a file, on one line. */
static char *file_tail(const char *path)
{
    char text[LOG_TAIL_BYTES + 1] = "";
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = descriptor < 0 ? 0 : lseek(descriptor, 0, SEEK_END);
    if (size > 0) {
        ssize_t length = pread(descriptor, text, LOG_TAIL_BYTES,
                               size > LOG_TAIL_BYTES ? size - LOG_TAIL_BYTES : 0);
        text[length > 0 ? length : 0] = '\0';
    }
    for (char *next = text; *next; next++)
        if (*next == '\n')
            *next = ' ';
    return xstrdup(text);
}

const char *cluster_log(const struct cluster *cluster)
{
    return cluster->log;
}

char *cluster_log_tail(const struct cluster *cluster)
{
    return file_tail(cluster->log);
}

/* Its home is where it may write. */
static void environment_build(const struct cluster *cluster, struct strings *environment)
{
    strings_add(environment, "LC_ALL=C");
    strings_add(environment, "TZ=UTC");
    strings_addf(environment, "HOME=%s", cluster->data);
}

/* Named from where it is: initdb ends when it cannot tell a shell how to start the server, as with
 * a path that has a line feed. */
static const char *const initdb_arguments[] = {
    "initdb",    "--pgdata",        "data",       "--username", cluster_superuser, "--auth=trust",
    "--no-sync", "--encoding=UTF8", "--locale=C", NULL};

static int run_initdb(const struct cluster_options *options, const struct cluster *cluster,
                      struct error *error)
{
    cleanup(free_pointer) char *initdb = tools_program(options->tools, "initdb");
    const char *argv[ARRAY_LENGTH(initdb_arguments)];
    memcpy(argv, initdb_arguments, sizeof(argv));
    argv[0] = initdb;
    cleanup(strings_free) struct strings environment = {0};
    environment_build(cluster, &environment);
    cleanup(confinement_free) struct confinement confinement;
    confinement_of_initdb(&confinement);
    struct process_options process = {.argv = argv,
                                      .environment = strings_argv(&environment),
                                      .account = &options->account,
                                      .directory = options->directory,
                                      .confinement = &confinement};
    struct process_result result;
    if (process_run(&process, options->deadline_ms, &result, error) < 0)
        return -1;
    int outcome = 0;
    if (result.exit_code != 0) {
        cleanup(free_pointer) char *how = process_describe(&result);
        const char *reason = strstr(result.errors.data, "error: ");
        reason = reason ? reason + strlen("error: ") : result.errors.data;
        /* initdb's backend says why in a FATAL line of its own. */
        const char *fatal = strstr(result.errors.data, "FATAL:");
        outcome = cannot_verify(error, "cannot make a throwaway server in %s: initdb %s: %.*s%s",
                                options->directory, how, (int)strcspn(fatal ? fatal : reason, "\n"),
                                fatal ? fatal : reason,
                                strstr(result.errors.data, "No space left")
                                    ? "; no space left: set TMPDIR to a larger file system"
                                    : "");
    }
    process_result_free(&result);
    return outcome;
}

static void ready_cluster_of(const struct cluster_options *options, const struct cluster *cluster,
                             struct ready_cluster *ret_ready)
{
    *ret_ready = (struct ready_cluster){.tools = options->tools,
                                        .initdb = initdb_arguments,
                                        .data = cluster->data,
                                        .account = &options->account,
                                        .deadline_ms = options->deadline_ms};
}

/* Makes the data directory by initdb, whatever is in it, and keeps it in place of the copy that was
 * not to be had. */
static int replace_copy(const struct cluster_options *options, struct cluster *cluster,
                        const char *why_not, struct error *error)
{
    struct ready_cluster ready;
    struct error not_kept;
    ready_cluster_of(options, cluster, &ready);
    if (tree_remove(cluster->data, error) < 0 ||
        private_directory(cluster->data, &options->account, error) < 0 ||
        run_initdb(options, cluster, error) < 0)
        return -1;
    bool kept = ready_cluster_keep(&ready, &not_kept) == 0;
    free(cluster->origin);
    cluster->copied = false;
    cluster->origin = xasprintf(
        "made by initdb (a ready cluster: %s)%s%s", why_not,
        kept ? ", and kept for later runs" : ", and not kept: ", kept ? "" : not_kept.text);
    return 0;
}

/* The copy of a ready cluster where there is one; else by initdb, and then that is kept. */
static int make_data(const struct cluster_options *options, struct cluster *cluster,
                     struct error *error)
{
    struct ready_cluster ready;
    struct error why_not;
    ready_cluster_of(options, cluster, &ready);
    if (private_directory(cluster->data, &options->account, error) < 0)
        return -1;
    if (options->no_cache) {
        cluster->origin = xstrdup("made by initdb, as asked for");
        return run_initdb(options, cluster, error);
    }
    if (ready_cluster_copy(&ready, &why_not) < 0)
        return replace_copy(options, cluster, why_not.text, error);
    cluster->copied = true;
    cluster->origin = xstrdup("a copy of the ready cluster that is kept");
    return 0;
}

/* Of a process, with which the smallest database restores. */
static const int64_t least_memory_bytes = (int64_t)256 << 20;

static int launch_server(const struct cluster_options *options, struct cluster *cluster,
                         struct error *error)
{
    cleanup(free_pointer) char *program = tools_program(options->tools, "postgres");
    struct strings argv = {0};
    strings_add(&argv, program);
    strings_add(&argv, "-D");
    strings_add(&argv, cluster->data);
    struct strings settings = {0};
    const int64_t share = available_memory_bytes() / options->side_by_side;
    tuning_settings(&(struct tuning){.memory_bytes = share,
                                     .backup_bytes = options->backup_bytes,
                                     .jobs = options->jobs,
                                     .major = options->tools->major},
                    &settings);
    strings_addf(&settings, "port=%s", port);
    /* Quoted, since the setting is a list and a directory's name may hold a comma. */
    cleanup(free_pointer) char *sockets = identifier_quote(cluster->sockets);
    strings_addf(&settings, "unix_socket_directories=%s", sockets);
    for (size_t i = 0; i < settings.count; i++) {
        strings_add(&argv, "-c");
        strings_add(&argv, settings.items[i]);
    }
    strings_free(&settings);

    cleanup(close_descriptor) int log =
        open(cluster->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cleanup(strings_free) struct strings environment = {0};
    environment_build(cluster, &environment);
    cleanup(confinement_free) struct confinement confinement;
    confinement_of_server(program, cluster->data, cluster->sockets, &confinement);
    /* Of several servers none may take what the others were promised. */
    if (options->side_by_side > 1)
        confinement.memory_limit_bytes = share > least_memory_bytes ? share : least_memory_bytes;
    struct process_options process = {.argv = strings_argv(&argv),
                                      .environment = strings_argv(&environment),
                                      .account = &options->account,
                                      .directory = cluster->data,
                                      .output = log,
                                      .errors = log,
                                      .death_signal = options->outlives_us ? -1 : SIGQUIT,
                                      .confinement = &confinement,
                                      .ret_confined = &cluster->confined};
    int started = log < 0
                      ? cannot_verify(error, "cannot write %s: %s", cluster->log, strerror(errno))
                      : process_start(&process, &cluster->pid, error);
    strings_free(&argv);
    return started;
}

static int connect_when_ready(const struct cluster_options *options, struct cluster *cluster,
                              struct connection **ret_connection, struct error *error)
{
    for (;;) {
        if (connection_open(&cluster->address, PROBE_TIMEOUT_MS, ret_connection, error) == 0)
            return 0;
        bool late = clock_ms() >= options->deadline_ms;
        if (!late && !process_wait(cluster->pid, clock_ms() + PROBE_EVERY_MS, NULL))
            continue;
        cleanup(free_pointer) char *log = cluster_log_tail(cluster);
        if (!late)
            cluster->pid = 0;
        return cannot_verify(error, "the throwaway server in %s %s; its log ends: %s",
                             options->directory, late ? "did not start in time" : "did not start",
                             log);
    }
}

static int launch(const struct cluster_options *options, struct cluster *cluster,
                  struct connection **ret_connection, struct error *error)
{
    return launch_server(options, cluster, error) < 0
               ? -1
               : connect_when_ready(options, cluster, ret_connection, error);
}

/* Where the server does not start on a copy, that must not be the copy's fault, tonight or later.
 */
static int begin(const struct cluster_options *options, struct cluster *cluster,
                 struct connection **ret_connection, struct error *error)
{
    struct error first;
    if (launch(options, cluster, ret_connection, &first) == 0)
        return 0;
    if (!cluster->copied || cluster->pid > 0) {
        *error = first;
        return -1;
    }
    return replace_copy(options, cluster, "a server did not start on it", error) < 0
               ? -1
               : launch(options, cluster, ret_connection, error);
}

/* The kernel allows 107 bytes for the path of a socket; PARENT/socket/.s.PGSQL.5432 must fit. */
enum { SOCKET_PARENT_LIMIT = 85 };

int socket_work_create(const char *work, struct workdir **ret_socket_work, struct error *error)
{
    *ret_socket_work = NULL;
    /* libpq takes a comma in the name of a socket's directory for the beginning of another host. */
    if (strlen(work) <= SOCKET_PARENT_LIMIT && !strchr(work, ','))
        return 0;
    return workdir_create("/tmp", ret_socket_work, error) < 0
               ? error_prefix(error, "a server's socket cannot be in TMPDIR, whose name is too "
                                     "long or has a comma, and: ")
               : 0;
}

int cluster_start(const struct cluster_options *options, struct cluster **ret_cluster,
                  struct connection **ret_connection, struct error *error)
{
    cleanup(cluster_stopp) struct cluster *cluster = xcalloc(1, sizeof(*cluster));
    cluster->data = xasprintf("%s/data", options->directory);
    cluster->log = xasprintf("%s/server.log", options->directory);
    cluster->sockets = xasprintf("%s/socket", options->socket_parent);
    if (private_directory(cluster->sockets, &options->account, error) < 0)
        return -1;
    address_set(&cluster->address, "host", cluster->sockets);
    address_set(&cluster->address, "port", port);
    address_set(&cluster->address, "user", cluster_superuser);
    address_set(&cluster->address, "dbname", "postgres");
    if (make_data(options, cluster, error) < 0 ||
        begin(options, cluster, ret_connection, error) < 0)
        return -1;
    *ret_cluster = take(&cluster);
    return 0;
}

const struct address *cluster_address(const struct cluster *cluster)
{
    return &cluster->address;
}

pid_t cluster_pid(const struct cluster *cluster)
{
    return cluster->pid;
}

const char *cluster_origin(const struct cluster *cluster)
{
    return cluster->origin;
}

const struct confined *cluster_confined(const struct cluster *cluster)
{
    return &cluster->confined;
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    if (cluster->pid > 0) {
        kill(cluster->pid, SIGQUIT);
        if (!process_wait(cluster->pid, deadline_after(STOP_TIMEOUT_MS), NULL)) {
            kill(-cluster->pid, SIGKILL);
            process_wait(cluster->pid, NO_DEADLINE, NULL);
        }
    }
    cluster_free(cluster);
}

void cluster_stopp(struct cluster **cluster)
{
    cluster_stop(*cluster);
}

void cluster_abandon(struct cluster *cluster)
{
    cluster_free(cluster);
}
