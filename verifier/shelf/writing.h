/* Whether somebody is still writing a file, or the files of a directory. See find.h. */
#ifndef SHELF_WRITING_H
#define SHELF_WRITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

/* What a file, or a directory with the files right in it, amounts to. */
struct extent {
    int64_t size_bytes;
    struct timespec modified; /* the latest */
    size_t file_count;        /* 1 for a file */
    bool has_toc;             /* a directory with toc.dat, which pg_dump writes last */
};

int extent_measure(const char *path, bool is_directory, struct extent *ret_extent,
                   struct error *error);

/* May take 1.2 seconds where the kernel has no answer. */
int is_being_written(const char *path, bool is_directory, bool *ret_writing, struct error *error);

#endif
