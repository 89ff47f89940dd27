/* The head of a deflate block, checked as strictly as zlib does.
 *
 * ISA-L takes codes that leave some bit patterns without a meaning; zlib, and so pg_restore, does
 * not. A single flipped bit makes such a code without a change of the content.
 *
 * Source of the format: RFC 1951, 3.2.
 */
#ifndef ARCHIVE_DEFLATE_HEADER_H
#define ARCHIVE_DEFLATE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No head is longer. */
#define DEFLATE_HEAD_BYTES 640

/* The head that begins `first_bit` bits (0 to 7) into `bytes`: whether all of it is there and zlib
 * would take it, and whether its block is the last. */
bool deflate_head_check(const uint8_t *bytes, size_t length, unsigned first_bit, bool *ret_last);

#endif
