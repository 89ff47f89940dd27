/* The unpacked bytes of a backup, on their way in and out again.
 *
 * An inlet reads a file without its container; an outlet writes one with it. Both go once over the
 * bytes, in memory that does not depend on their number.
 */
#ifndef SABOTAGE_STREAM_H
#define SABOTAGE_STREAM_H

#include "archive/archive.h"
#include "archive/source.h"
#include "dump/compressor.h"

struct inlet {
    int descriptor;
    struct allowance allowance;
    struct source *source;
    struct reader reader;
};

/* inlet_close in every case. */
int inlet_open(struct inlet *inlet, const char *path, enum archive_container container,
               struct error *error);
void inlet_close(struct inlet *inlet); /* takes a zeroed one */

struct outlet {
    const char *path; /* borrowed; NULL: bytes are only counted */
    int descriptor;
    struct compressor *compressor; /* NULL: no container */
    int64_t offset;                /* in the unpacked bytes */
    int64_t until_check_bytes;
};

/* A new file, or with NULL none: then the bytes are only counted. outlet_close in every case. */
int outlet_open(struct outlet *outlet, const char *path, enum archive_container container,
                struct error *error);
/* Stops with cannot_verify before the file system is full. */
int outlet_write(struct outlet *outlet, const void *bytes, size_t length, struct error *error);
int outlet_finish(struct outlet *outlet, struct error *error);
void outlet_close(struct outlet *outlet); /* takes a zeroed one */

#endif
