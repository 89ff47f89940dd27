#include "base/utf8.h"

size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: no overlong */
    const unsigned char *bytes = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (bytes[0] < 0x80) {
        *ret_code = bytes[0];
        return 1;
    }
    size_t wanted = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || wanted > length)
        return 0;
    uint32_t code = bytes[0] & (0x7fU >> wanted);
    for (size_t i = 1; i < wanted; i++) {
        if ((bytes[i] & 0xc0U) != 0x80U)
            return 0; /* also at a NUL, so nothing behind the end is read */
        code = code << 6U | (bytes[i] & 0x3fU);
    }
    if (code < smallest[wanted] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return wanted;
}

size_t utf8_count(const char *text, size_t length)
{
    size_t characters = 0;
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] & 0xc0U) != 0x80U)
            characters++;
    return characters;
}

bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool is_printable(const char *text)
{
    while (*text) {
        uint32_t code;
        size_t length = utf8_decode(text, UTF8_LONGEST, &code);
        if (length == 0 || is_control(code))
            return false;
        text += length;
    }
    return true;
}
