/* A layer that writes what passes through it to a file. */
#include "archive/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define SPACE_CHECK_BYTES (16LL << 20)

struct copying_source {
    struct source source;
    struct source *below;
    char *path;
    int descriptor;
    int64_t written_bytes, until_check_bytes;
};

static int no_space(const struct copying_source *copy, int64_t space, struct error *error)
{
    char unpacked[SIZE_TEXT_SIZE], left[SIZE_TEXT_SIZE], kept[SIZE_TEXT_SIZE];
    size_format(copy->written_bytes, unpacked);
    size_format(space, left);
    size_format(SPACE_KEPT_BYTES, kept);
    cleanup(free_pointer) char *directory = xstrdup(copy->path);
    char *slash = strrchr(directory, '/');
    if (slash && slash > directory)
        *slash = '\0';
    unlink(copy->path); /* the room is for others */
    return cannot_verify(error,
                         "no space left in %s to unpack the backup: %s free, of which %s are left "
                         "for others, and it unpacks to more than %s; make room there, or set "
                         "TMPDIR to another place",
                         directory, left, kept, unpacked);
}

/* A full disk hurts others too: stop while there is some left. */
static int space_check(struct copying_source *copy, size_t length, struct error *error)
{
    copy->until_check_bytes -= (int64_t)length;
    if (copy->until_check_bytes > 0)
        return 0;
    copy->until_check_bytes = SPACE_CHECK_BYTES;
    int64_t space = free_space_bytes(copy->path);
    if (space >= 0 && space < SPACE_CHECK_BYTES + SPACE_KEPT_BYTES)
        return no_space(copy, space, error);
    return 0;
}

static int copying_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                               struct error *error)
{
    struct copying_source *copy = (struct copying_source *)source;
    if (source_next(copy->below, ret_bytes, ret_length, error) < 0)
        return -1;
    if (*ret_length == 0)
        return 0;
    if (space_check(copy, *ret_length, error) < 0)
        return -1;
    copy->written_bytes += (int64_t)*ret_length;
    return write_all(copy->descriptor, *ret_bytes, *ret_length, copy->path, error);
}

static void copying_source_close(struct source *source)
{
    struct copying_source *copy = (struct copying_source *)source;
    source_close(copy->below);
    close(copy->descriptor);
    free(copy->path);
    free(copy);
}

int copying_source_new(struct source *below, const char *path, struct source **ret_source,
                       struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return cannot_verify(error, "cannot create %s: %s", path, strerror(errno));
    struct copying_source *copy = xmalloc(sizeof(*copy));
    *copy = (struct copying_source){.source = {copying_source_next, copying_source_close},
                                    .below = below,
                                    .path = xstrdup(path),
                                    .descriptor = descriptor};
    *ret_source = &copy->source;
    return 0;
}
