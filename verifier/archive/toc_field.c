#include "archive/toc_field.h"

#include <string.h>

#include "archive/arena.h"

int toc_integer(const struct toc *toc, struct reader *reader, int64_t *ret_integer,
                const char *what, struct error *error)
{
    uint8_t bytes[1 + 32];
    if (reader_bytes(reader, bytes, 1 + (size_t)toc->integer_size, what, error) < 0)
        return -1;
    uint64_t magnitude = 0;
    bool large = false;
    for (int i = 0; i < toc->integer_size; i++) {
        if (i < 4)
            magnitude |= (uint64_t)bytes[1 + i] << (8 * i);
        else
            large |= bytes[1 + i] != 0;
    }
    /* -2^31 occurs: the oid of a large object goes through an int. -0 does not. */
    if (bytes[0] > 1 || large || (bytes[0] == 1 && magnitude == 0) ||
        magnitude > (1ULL << 31) - (bytes[0] ? 0 : 1))
        return bad_backup(error, "the integer at byte %lld, in %s, is damaged",
                          (long long)reader->offset - 1 - toc->integer_size, what);
    *ret_integer = bytes[0] ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

int toc_too_large(struct error *error)
{
    return cannot_verify(error,
                         "its table of contents is larger than the %lu MiB that this "
                         "program keeps of one",
                         TOC_LIMIT_BYTES >> 20);
}

/* Length of the string that follows; -1: no string. */
static int string_length(const struct toc *toc, struct reader *reader, int64_t *ret_length,
                         const char *what, struct error *error)
{
    int64_t begin = reader->offset;
    if (toc_integer(toc, reader, ret_length, what, error) < 0)
        return -1;
    if (*ret_length < -1)
        return bad_backup(error, "the string at byte %lld, %s, has the length %lld",
                          (long long)begin, what, (long long)*ret_length);
    return 0;
}

int toc_string(const struct toc *toc, struct reader *reader, char *before, char **ret_text,
               const char *what, struct error *error)
{
    int64_t begin = reader->offset;
    int64_t length;
    if (string_length(toc, reader, &length, what, error) < 0)
        return -1;
    if (length <= 0) {
        static char nothing[1] = "";
        *ret_text = length < 0 ? NULL : nothing;
        return 0;
    }
    char near[256];
    bool fits = (size_t)length < sizeof(near);
    char *text = fits ? near : arena_take(toc->archive->arena, (size_t)length + 1);
    if (!text)
        return toc_too_large(error);
    if (reader_bytes(reader, text, (size_t)length, what, error) < 0)
        return -1;
    text[length] = '\0';
    if (memchr(text, '\0', (size_t)length))
        return bad_backup(error, "the string at byte %lld, %s, holds a NUL byte", (long long)begin,
                          what);
    if (fits && before && strcmp(text, before) == 0) {
        *ret_text = before;
        return 0;
    }
    if (fits) {
        text = arena_take(toc->archive->arena, (size_t)length + 1);
        if (!text)
            return toc_too_large(error);
        memcpy(text, near, (size_t)length + 1);
    }
    *ret_text = text;
    return 0;
}

int toc_text(const struct toc *toc, struct reader *reader, char *before, char **ret_text,
             const char *what, struct error *error)
{
    static char nothing[1] = "";
    char *text;
    if (toc_string(toc, reader, before, &text, what, error) < 0)
        return -1;
    *ret_text = text ? text : nothing;
    return 0;
}

int toc_string_skip(const struct toc *toc, struct reader *reader, const char *what,
                    struct error *error)
{
    int64_t length;
    if (string_length(toc, reader, &length, what, error) < 0)
        return -1;
    return length > 0 ? reader_skip(reader, length, what, error) : 0;
}

static int number_parse(const char *text, uint32_t most, uint32_t *ret_number)
{
    uint64_t number = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 10 || text[length] != '\0')
        return -1;
    for (const char *digit = text; *digit; digit++)
        number = number * 10 + (uint64_t)(*digit - '0');
    if (number > most)
        return -1;
    *ret_number = (uint32_t)number;
    return 0;
}

int toc_number(const struct toc *toc, struct reader *reader, uint32_t most, bool *ret_present,
               uint32_t *ret_number, const char *what, struct error *error)
{
    char text[16];
    int64_t begin = reader->offset;
    int64_t length;
    if (string_length(toc, reader, &length, what, error) < 0)
        return -1;
    if (length < 0 && ret_present) {
        *ret_present = false;
        return 0;
    }
    bool fits = length >= 0 && length < (int64_t)sizeof(text);
    if (fits && reader_bytes(reader, text, (size_t)length, what, error) < 0)
        return -1;
    if (fits)
        text[length] = '\0';
    if (!fits || strlen(text) != (size_t)length || number_parse(text, most, ret_number) < 0)
        return bad_backup(error, "%s at byte %lld is no number", what, (long long)begin);
    if (ret_present)
        *ret_present = true;
    return 0;
}
