#include "dump/compressed_file.h"

#include "base/file.h"

int compressed_file_write(struct compressed_file *file, const void *bytes, size_t length,
                          struct error *error)
{
    if (write_all(file->descriptor, bytes, length, file->what, error) < 0)
        return -1;
    sha256_update(file->hash, bytes, length);
    file->size_bytes += (int64_t)length;
    return 0;
}
