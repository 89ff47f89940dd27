#include "dump/object_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { PIPE_SIZE = 1 << 20 };

struct object_upload {
    struct store *store;
    char *name;
    char *path;
    int read_end, write_end;
    pthread_t thread;
    bool joined;
    atomic_bool complete;  /* set before the pipe is closed: its end is the end of the backup */
    atomic_bool abandoned; /* what the store says then is of no interest */
    /* The thread's, until it is joined: */
    int failed;
    struct object object;
    struct error error;
};

static int64_t upload_give(void *context, void *bytes, size_t size, struct error *error)
{
    struct object_upload *upload = context;
    for (;;) {
        ssize_t length = read(upload->read_end, bytes, size);
        if (length > 0)
            return length;
        if (length == 0 && atomic_load(&upload->complete))
            return 0;
        if (length == 0) {
            atomic_store(&upload->abandoned, true);
            return cannot_verify(error, "the backup was not completed");
        }
        if (errno != EINTR)
            return cannot_verify(error, "cannot read a pipe: %s", strerror(errno));
    }
}

static void *upload_thread(void *context)
{
    struct object_upload *upload = context;
    upload->failed = store_put(upload->store, upload->name, strlen(upload->name), NO_DEADLINE,
                               upload_give, upload, &upload->object, &upload->error);
    close_descriptor(&upload->read_end); /* who still writes gets an error */
    return NULL;
}

int object_upload_start(struct shelf *shelf, const char *name, struct object_upload **ret_upload,
                        struct error *error)
{
    cleanup(object_upload_freep) struct object_upload *upload = xcalloc(1, sizeof(*upload));
    upload->store = shelf_store(shelf);
    upload->name = xstrdup(name);
    upload->path = shelf_path(shelf, name);
    upload->joined = true;
    int ends[2] = {-1, -1};
    int piped = pipe2(ends, O_CLOEXEC);
    upload->read_end = ends[0];
    upload->write_end = ends[1];
    if (piped < 0)
        return cannot_verify(error, "cannot make a pipe: %s", strerror(errno));
    fcntl(upload->write_end, F_SETPIPE_SZ, PIPE_SIZE); /* fewer turns; smaller will do */
    /* No signal is for this thread: the one that waits for them must get them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = pthread_create(&upload->thread, NULL, upload_thread, upload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (reason != 0)
        return cannot_verify(error, "cannot start a thread: %s", strerror(reason));
    upload->joined = false;
    *ret_upload = take(&upload);
    return 0;
}

int object_upload_descriptor(const struct object_upload *upload)
{
    return upload->write_end;
}

const char *object_upload_path(const struct object_upload *upload)
{
    return upload->path;
}

static void upload_join(struct object_upload *upload)
{
    close_descriptor(&upload->write_end);
    if (upload->joined)
        return;
    pthread_join(upload->thread, NULL);
    upload->joined = true;
}

int object_upload_complete(struct object_upload *upload, int64_t size_bytes, struct error *error)
{
    atomic_store(&upload->complete, true);
    upload_join(upload);
    if (upload->failed < 0) {
        *error = upload->error;
        return error_prefix(error, "cannot write %s: ", upload->path);
    }
    if (upload->object.size_bytes != size_bytes)
        return cannot_verify(error, "%s has %lld bytes in the store, and %lld were written",
                             upload->path, (long long)upload->object.size_bytes,
                             (long long)size_bytes);
    return 0;
}

void object_upload_abandon(struct object_upload *upload, struct error *error)
{
    upload_join(upload);
    if (upload->failed == 0 || atomic_load(&upload->abandoned))
        return;
    *error = upload->error;
    error_prefix(error, "cannot write %s: ", upload->path);
}

void object_upload_free(struct object_upload *upload)
{
    if (!upload)
        return;
    upload_join(upload);
    close_descriptor(&upload->read_end);
    free(upload->name);
    free(upload->path);
    free(upload);
}

void object_upload_freep(struct object_upload **upload)
{
    object_upload_free(*upload);
}
