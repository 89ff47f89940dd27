#include "postgres/ready_cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "postgres/confinement.h"

enum { HEADER_BYTES = 512, PIECE_BYTES = 256 * 1024, KEY_BYTES = 64 * 1024, DAY_S = 86400 };

static const char own_name[] = "restore-verifier";
static const char beginning[] = "postgresql-", ending[] = ".cluster";
static const char header_format[] =
    "restore-verifier ready cluster 1 %016" PRIx64 "%016" PRIx64 " %" PRId64;

/* --- where it is kept ------------------------------------------------------------------------- */

/* An absolute path from the environment, or NULL. */
static const char *place_from(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] == '/' ? value : NULL;
}

char *ready_cluster_directory(struct error *error)
{
    const char *const own = place_from("CACHE_DIRECTORY");
    const char *const cache = place_from("XDG_CACHE_HOME");
    const char *const home = place_from("HOME");
    struct stat status;
    if (own) /* systemd separates several by colons */
        return xstrndup(own, strcspn(own, ":"));
    if (cache)
        return xasprintf("%s/%s", cache, own_name);
    if (!home) {
        cannot_verify(error, "HOME is not set");
        return NULL;
    }
    /* As with sudo: what we make there would be in its owner's way. */
    if (stat(home, &status) < 0 || status.st_uid != geteuid()) {
        cannot_verify(error, "the home directory %s is not ours", home);
        return NULL;
    }
    return xasprintf("%s/.cache/%s", home, own_name);
}

/* Could somebody else have written it? */
static bool is_ours_alone(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Opens the directory; `make`: makes it, and the one that it is in, where they are missing. */
static int directory_open(bool make, int *ret_directory, struct error *error)
{
    cleanup(free_pointer) char *path = ready_cluster_directory(error);
    if (!path)
        return -1;
    if (make) {
        char *last = strrchr(path, '/');
        *last = '\0';
        mkdir(path, 0700); /* mostly there; that it is not shows in the next one */
        *last = '/';
        mkdir(path, 0700);
    }
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (directory < 0)
        return cannot_verify(error, "%s: %s", path, strerror(errno));
    if (fstat(directory, &status) < 0 || !is_ours_alone(&status)) {
        close(directory);
        return cannot_verify(error, "%s is another user's, or others can write there", path);
    }
    *ret_directory = directory;
    return 0;
}

/* --- which one it is -------------------------------------------------------------------------- */

/* Behind links: initdb, too, looks for what belongs to it where it really lies. */
static void key_add_file(struct buffer *key, const char *path)
{
    struct stat status = {0};
    cleanup(free_pointer) char *real = realpath(path, NULL);
    if (stat(path, &status) < 0)
        status.st_size = -1;
    buffer_printf(key, "%s %ju %ju %jd %jd.%09ld %jd.%09ld\n", real ? real : path,
                  (uintmax_t)status.st_dev, (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                  (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                  (intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

/* The programs; what initdb is told; and the locales that there are, since it enters them all as
 * collations. */
static void key_build(const struct ready_cluster *cluster, struct buffer *key)
{
    static const char *const programs[] = {"initdb", "postgres"};
    static const char *const variables[] = {"LOCPATH", "ICU_DATA", "LD_LIBRARY_PATH"};
    buffer_init(key, KEY_BYTES);
    buffer_printf(key, "%s\nglibc %s\n", cluster->tools->version, gnu_get_libc_version());
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        cleanup(free_pointer) char *program = tools_program(cluster->tools, programs[i]);
        key_add_file(key, program);
    }
    for (size_t i = 0; cluster->initdb[i]; i++)
        buffer_printf(key, "%s\n", cluster->initdb[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        buffer_printf(key, "%s=%s\n", variables[i],
                      getenv(variables[i]) ? getenv(variables[i]) : "");
    key_add_file(key, "/usr/lib/locale");
    key_add_file(key, "/usr/lib/locale/locale-archive");
}

static char *file_name(const struct ready_cluster *cluster, const struct buffer *key)
{
    XXH64_hash_t digest = XXH3_64bits(key->data, key->length);
    return xasprintf("%s%d-%016" PRIx64 "%s", beginning, cluster->tools->major, (uint64_t)digest,
                     ending);
}

/* --- what is in it ---------------------------------------------------------------------------- */

/* The header that belongs to the content of the file, as it is now. */
static int header_build(int file, const struct buffer *key, char header[HEADER_BYTES],
                        struct error *error)
{
    cleanup(free_pointer) char *piece = xmalloc(PIECE_BYTES);
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        out_of_memory();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, key->data, key->length);
    int64_t length = 0;
    ssize_t got;
    while ((got = pread(file, piece, PIECE_BYTES, HEADER_BYTES + length)) > 0) {
        XXH3_128bits_update(state, piece, (size_t)got);
        length += got;
    }
    XXH128_hash_t digest = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    if (got < 0)
        return cannot_verify(error, "it cannot be read: %s", strerror(errno));
    memset(header, ' ', HEADER_BYTES);
    int written = snprintf(header, HEADER_BYTES, header_format, (uint64_t)digest.high64,
                           (uint64_t)digest.low64, length);
    header[written] = ' ';
    header[HEADER_BYTES - 1] = '\n';
    return 0;
}

/* Runs tar in the data directory, as its owner. */
static int run_tar(const struct ready_cluster *cluster, const char *const argv[], int input,
                   int output, struct error *error)
{
    cleanup(confinement_free) struct confinement confinement;
    confinement_of_initdb(&confinement); /* which is right for both */
    struct process_options process = {.argv = argv,
                                      .account = cluster->account,
                                      .directory = cluster->data,
                                      .input = input,
                                      .output = output,
                                      .confinement = &confinement};
    struct process_result result;
    if (process_run(&process, cluster->deadline_ms, &result, error) < 0)
        return -1;
    int outcome = 0;
    if (result.exit_code != 0) {
        cleanup(free_pointer) char *how = process_describe(&result);
        outcome = cannot_verify(error, "tar %s: %.*s", how, (int)strcspn(result.errors.data, "\n"),
                                result.errors.data);
    }
    process_result_free(&result);
    return outcome;
}

/* --- using it --------------------------------------------------------------------------------- */

static int status_check(int file, struct error *error)
{
    struct stat status;
    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode))
        return cannot_verify(error, "it is no regular file");
    if (!is_ours_alone(&status))
        return cannot_verify(error, "it is another user's, or others can write to it");
    if (llabs((long long)time(NULL) - status.st_mtim.tv_sec) >
        (long long)READY_CLUSTER_DAYS * DAY_S)
        return cannot_verify(error, "it is older than %d days", READY_CLUSTER_DAYS);
    return 0;
}

struct content_check {
    int file;
    const struct buffer *key;
    int outcome;
    struct error error;
};

static void *content_check(void *context)
{
    struct content_check *check = context;
    char told[HEADER_BYTES];
    char header[HEADER_BYTES];
    check->outcome = header_build(check->file, check->key, header, &check->error);
    if (check->outcome == 0 && (pread(check->file, told, HEADER_BYTES, 0) != HEADER_BYTES ||
                                memcmp(told, header, HEADER_BYTES) != 0))
        check->outcome = cannot_verify(&check->error, "it is damaged");
    return NULL;
}

/* Unpacks it and looks meanwhile whether it is what was kept. */
static int unpack(const struct ready_cluster *cluster, int file, const struct buffer *key,
                  struct error *error)
{
    static const char *const argv[] = {"tar", "--extract", "--preserve-permissions", "--file=-",
                                       NULL};
    struct content_check check = {.file = file, .key = key};
    pthread_t thread;
    if (lseek(file, HEADER_BYTES, SEEK_SET) < 0)
        return cannot_verify(error, "%s", strerror(errno));
    bool beside = pthread_create(&thread, NULL, content_check, &check) == 0;
    int unpacked = run_tar(cluster, argv, file, 0, error);
    if (beside)
        pthread_join(thread, NULL);
    else
        content_check(&check);
    if (check.outcome < 0)
        *error = check.error;
    return check.outcome < 0 ? -1 : unpacked;
}

int ready_cluster_copy(const struct ready_cluster *cluster, struct error *error)
{
    cleanup(close_descriptor) int directory = -1;
    cleanup(buffer_free) struct buffer key;
    key_build(cluster, &key);
    cleanup(free_pointer) char *name = file_name(cluster, &key);
    if (directory_open(false, &directory, error) < 0)
        return -1;
    cleanup(close_descriptor) int file =
        openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? cannot_verify(error, "none is kept for this server yet")
                               : cannot_verify(error, "%s: %s", name, strerror(errno));
    if (status_check(file, error) < 0 || unpack(cluster, file, &key, error) < 0)
        return error_prefix(error, "%s: ", name);
    return 0;
}

/* --- keeping it ------------------------------------------------------------------------------- */

static int file_fill(const struct ready_cluster *cluster, const struct buffer *key, int file,
                     struct error *error)
{
    static const char *const argv[] = {"tar", "--create", "--file=-", ".", NULL};
    char header[HEADER_BYTES];
    if (lseek(file, HEADER_BYTES, SEEK_SET) < 0)
        return cannot_verify(error, "%s", strerror(errno));
    if (run_tar(cluster, argv, 0, file, error) < 0 || header_build(file, key, header, error) < 0)
        return -1;
    return pwrite(file, header, HEADER_BYTES, 0) == HEADER_BYTES
               ? 0
               : cannot_verify(error, "its header cannot be written: %s", strerror(errno));
}

/* Removes the files of ours that are too old to be used: of servers that are no longer here, or
 * left by a run that was killed. `all`: every one. Gives their number. */
static size_t files_remove(int directory, bool all)
{
    size_t removed = 0;
    int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    if (!entries) {
        close_descriptor(&again);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        struct stat status;
        if (!starts_with(entry->d_name, beginning) || !strstr(entry->d_name, ending) ||
            fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !(all || time(NULL) - status.st_mtim.tv_sec > (time_t)READY_CLUSTER_DAYS * DAY_S))
            continue;
        removed += unlinkat(directory, entry->d_name, 0) == 0 && ends_with(entry->d_name, ending);
    }
    closedir(entries);
    return removed;
}

int ready_cluster_keep(const struct ready_cluster *cluster, struct error *error)
{
    cleanup(close_descriptor) int directory = -1;
    cleanup(buffer_free) struct buffer key;
    key_build(cluster, &key);
    cleanup(free_pointer) char *name = file_name(cluster, &key);
    /* In containers pids repeat, and a run that was killed leaves its file. */
    cleanup(free_pointer) char *unfinished =
        xasprintf("%s.%d.%" PRId64, name, (int)getpid(), clock_ms());
    if (directory_open(true, &directory, error) < 0)
        return -1;
    files_remove(directory, false);
    cleanup(close_descriptor) int file =
        openat(directory, unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return cannot_verify(error, "%s: %s", unfinished, strerror(errno));
    int filled = file_fill(cluster, &key, file, error);
    if (filled == 0 && renameat(directory, unfinished, directory, name) < 0)
        filled = cannot_verify(error, "%s: %s", name, strerror(errno));
    if (filled < 0)
        unlinkat(directory, unfinished, 0);
    return filled;
}

int ready_cluster_forget(size_t *ret_count, struct error *error)
{
    cleanup(close_descriptor) int directory = -1;
    cleanup(free_pointer) char *path = ready_cluster_directory(error);
    if (!path)
        return -1;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        *ret_count = 0;
        return 0;
    }
    if (directory_open(false, &directory, error) < 0)
        return -1;
    *ret_count = files_remove(directory, true);
    rmdir(path); /* if nothing else is in it */
    return 0;
}
