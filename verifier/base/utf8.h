/* UTF-8, valid or not, character by character. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the character at `text`, of which `length` bytes may be read: gives its length in bytes and
 * the code point, or 0 when there is no valid one. A text that ends with a NUL may be read with a
 * `length` of UTF8_LONGEST: it is not read beyond that. */
enum { UTF8_LONGEST = 4 };
size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code);

/* The number of characters in the first `length` bytes of valid UTF-8. */
size_t utf8_count(const char *text, size_t length);

/* C0 and C1 controls and DEL: U+009B commands terminals as ESC [ does. */
bool is_control(uint32_t code);

/* Valid UTF-8 without control characters? */
bool is_printable(const char *text);

#endif
