/* zlib and gzip streams, unpacked block by block.
 *
 * ISA-L, where the program was built with it, unpacks in a third of zlib's time, but is laxer and
 * has no words for what is wrong. So the heads of streams are zlib's, those of blocks and the
 * checksums behind a stream are ours, and whatever ISA-L does not take zlib takes up again from
 * where its block began. What is handed out, and what an error says, is the same without ISA-L.
 *
 * Sources of the formats: RFC 1950, 1951, 1952.
 */
#ifndef ARCHIVE_INFLATING_H
#define ARCHIVE_INFLATING_H

#include "archive/decoder.h"

/* As decoder_new does for ENCODING_ZLIB and ENCODING_GZIP. `fast`: by ISA-L if it is there. */
struct source *inflating_source_new(enum encoding encoding, int rules, bool fast,
                                    struct source *below, struct allowance *allowance);

#endif
