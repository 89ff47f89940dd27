/* Where compressed bytes go: a file, counted and hashed. For the compressors only. */
#ifndef DUMP_COMPRESSED_FILE_H
#define DUMP_COMPRESSED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct compressed_file {
    int descriptor;
    const char *what; /* its name in errors */
    struct sha256 *hash;
    int64_t size_bytes;
};

int compressed_file_write(struct compressed_file *file, const void *bytes, size_t length,
                          struct error *error);

#endif
