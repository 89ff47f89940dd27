#include "sabotage/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/decoder.h"
#include "base/file.h"
#include "base/memory.h"

#define SPACE_CHECK_BYTES (16LL << 20)

int inlet_open(struct inlet *inlet, const char *path, enum archive_container container,
               struct error *error)
{
    struct stat status;
    *inlet = (struct inlet){.descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (inlet->descriptor < 0 || fstat(inlet->descriptor, &status) < 0)
        return cannot_verify(error, "cannot open %s: %s", path, strerror(errno));
    allowance_init(&inlet->allowance, status.st_size);
    inlet->source = file_source_new(inlet->descriptor, path, 0, status.st_size, NULL, NULL);
    if (container != ARCHIVE_BARE)
        inlet->source = decoder_new(container == ARCHIVE_IN_GZIP ? ENCODING_GZIP : ENCODING_ZSTD, 0,
                                    inlet->source, &inlet->allowance);
    reader_init(&inlet->reader, inlet->source, 0);
    return 0;
}

void inlet_close(struct inlet *inlet)
{
    if (inlet->source)
        close_descriptor(&inlet->descriptor);
    source_close(inlet->source);
    inlet->source = NULL;
}

int outlet_open(struct outlet *outlet, const char *path, enum archive_container container,
                struct error *error)
{
    *outlet = (struct outlet){.path = path, .descriptor = -1};
    if (!path)
        return 0;
    outlet->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (outlet->descriptor < 0)
        return cannot_verify(error, "cannot create %s: %s", path, strerror(errno));
    if (container != ARCHIVE_BARE)
        outlet->compressor =
            compressor_new(container == ARCHIVE_IN_GZIP ? COMPRESSION_GZIP : COMPRESSION_ZSTD, 0,
                           outlet->descriptor, path);
    return 0;
}

static int space_check(struct outlet *outlet, size_t length, struct error *error)
{
    outlet->until_check_bytes -= (int64_t)length;
    if (outlet->until_check_bytes > 0)
        return 0;
    outlet->until_check_bytes = SPACE_CHECK_BYTES;
    int64_t space = free_space_bytes(outlet->path);
    if (space < 0 || space >= SPACE_CHECK_BYTES + SPACE_KEPT_BYTES)
        return 0;
    return cannot_verify(error, "no space left for a damaged copy: make room, or set TMPDIR to "
                                "another place");
}

int outlet_write(struct outlet *outlet, const void *bytes, size_t length, struct error *error)
{
    outlet->offset += (int64_t)length;
    if (!outlet->path)
        return 0;
    if (space_check(outlet, length, error) < 0)
        return -1;
    return outlet->compressor ? compressor_write(outlet->compressor, bytes, length, error)
                              : write_all(outlet->descriptor, bytes, length, outlet->path, error);
}

int outlet_finish(struct outlet *outlet, struct error *error)
{
    int64_t size_bytes;
    char sha256[SHA256_HEX_SIZE];
    return outlet->compressor ? compressor_finish(outlet->compressor, &size_bytes, sha256, error)
                              : 0;
}

void outlet_close(struct outlet *outlet)
{
    compressor_free(outlet->compressor);
    outlet->compressor = NULL;
    if (outlet->path)
        close_descriptor(&outlet->descriptor);
}
