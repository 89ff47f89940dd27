/* Decompression as a layer: zlib (blocks of a custom archive), gzip, zstd and lz4 streams.
 *
 * Each is checked to its own end: a stream that stops early is a bad backup, and so are bytes
 * behind it. The checksums that the streams carry are checked by the libraries.
 *
 * Sources of the formats: RFC 1950, 1952, 8878, and the LZ4 frame format 1.6.
 */
#ifndef ARCHIVE_DECODER_H
#define ARCHIVE_DECODER_H

#include "archive/source.h"

enum encoding {
    ENCODING_ZLIB, /* exactly one stream */
    ENCODING_GZIP, /* one or more members, one behind the other */
    ENCODING_ZSTD, /* the same, of frames */
    ENCODING_LZ4,  /* the same, of frames */
};

/* What a stream may be, besides whole; any of these together. */
enum stream_rules {
    STREAM_SINGLE = 1,        /* more than one member or frame is an error */
    STREAM_MAY_BE_NOTHING = 2 /* no bytes at all are how pg_dump compresses nothing */
};

/* Owns `below`. `rules`: of enum stream_rules. `allowance` is borrowed. */
struct source *decoder_new(enum encoding encoding, int rules, struct source *below,
                           struct allowance *allowance);

#endif
