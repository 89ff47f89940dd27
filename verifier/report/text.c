#include "report/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"

static bool is_shown_as_it_is(uint32_t code, enum text_shape shape)
{
    if (code == '\n' || code == '\t')
        return shape == TEXT_BLOCK;
    if (is_control(code))
        return false;
    if (code >= 0x2028 && code <= 0x202e)
        return false; /* line ends, and marks that turn text around */
    if (code >= 0x2066 && code <= 0x2069)
        return false;
    return (code & 0xfffeU) != 0xfffe;
}

static void clean_characters(struct buffer *clean, const char *text, enum text_shape shape)
{
    while (*text != '\0') {
        uint32_t code = 0;
        size_t length = utf8_decode(text, UTF8_LONGEST, &code);
        if (shape == TEXT_BLOCK && text[0] == '\r' && text[1] == '\n')
            length = 1;
        else if (length > 0 && is_shown_as_it_is(code, shape))
            buffer_append(clean, text, length);
        else if (code == '\n' && length == 1)
            buffer_append_text(clean, "\\n");
        else if (code == '\t' && length == 1)
            buffer_append_text(clean, "\\t");
        else if (length > 1)
            buffer_printf(clean, "\\u%04" PRIx32, code);
        else
            buffer_printf(clean, "\\x%02x", (unsigned char)*text);
        text += length > 0 ? length : 1;
    }
}

/* The length of what has to go from a URL whose authority begins at `url`. A password that was not
 * percent-encoded may hold any of / ? # @, and one that was cut off has lost its @. */
static size_t user_part(const char *url)
{
    size_t run = strcspn(url, " \t\n");
    size_t authority = strcspn(url, "/?# \t\n");
    const char *at = memrchr(url, '@', run);
    if (at && memchr(url, '@', authority))
        return (size_t)(at - url);

    const char *colon = memchr(url, ':', authority);
    if (!colon || url[0] == '[')
        return 0;
    size_t behind = (size_t)(colon + 1 - url);
    if (behind + strspn(colon + 1, "0123456789") >= authority)
        return 0; /* a port */
    if (at)
        return (size_t)(at - url);
    return url[authority] == '\0' ? authority : 0;
}

static size_t secret_value(const char *value)
{
    if (*value != '\'')
        return strcspn(value, " \t\n&;\"'");
    size_t length = 1;
    while (value[length] != '\0' && value[length] != '\'')
        length += value[length] == '\\' && value[length + 1] != '\0' ? 2 : 1;
    return length == 1 ? 0 : length + (value[length] == '\'');
}

static size_t secret_name(const char *text)
{
    static const char *const names[] = {
        "password=", "X-Amz-Signature=", "X-Amz-Credential=", "X-Amz-Security-Token="};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strncasecmp(text, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    return 0;
}

static void scrub(struct buffer *scrubbed, const char *text)
{
    while (*text != '\0') {
        size_t name = secret_name(text);
        size_t secret = 0;
        if (name > 0) {
            secret = secret_value(text + name);
        } else if (starts_with(text, "://")) {
            name = strlen("://");
            secret = user_part(text + name);
        } else {
            name = 1;
        }
        buffer_append(scrubbed, text, name);
        if (secret > 0)
            buffer_append_text(scrubbed, "***");
        text += name + secret;
    }
}

char *text_clean(const char *text, size_t size, enum text_shape shape)
{
    if (!text)
        return xstrdup("");
    size_t length = size == SIZE_MAX ? strlen(text) : strnlen(text, size);
    cleanup(free_pointer) char *whole = xstrndup(text, length);

    /* One byte becomes at most four, `://` at most seven. */
    struct buffer clean;
    buffer_init(&clean, 4 * length + 16);
    clean_characters(&clean, whole, shape);
    while (shape == TEXT_BLOCK && clean.length > 0 &&
           isspace((unsigned char)clean.data[clean.length - 1]))
        clean.data[--clean.length] = '\0';

    struct buffer scrubbed;
    buffer_init(&scrubbed, 3 * clean.length + 16);
    scrub(&scrubbed, clean.data);
    buffer_free(&clean);
    return buffer_steal(&scrubbed);
}

char *text_line(const char *text)
{
    return text_clean(text, SIZE_MAX, TEXT_LINE);
}

/* The first byte of the character that `index` lies in. */
static size_t character_begin(const char *text, size_t index)
{
    while (index > 0 && ((unsigned char)text[index] & 0xc0) == 0x80)
        index--;
    return index;
}

char *text_shorten(const char *text, size_t most_bytes, const char *where)
{
    size_t length = strlen(text);
    if (length <= most_bytes)
        return xstrdup(text);
    size_t head = character_begin(text, most_bytes - most_bytes / 2);
    size_t tail = length - most_bytes / 2;
    while (tail < length && ((unsigned char)text[tail] & 0xc0) == 0x80)
        tail++;
    bool lines = strchr(text, '\n') != NULL;
    return xasprintf("%.*s%s[... %s bytes left out%s%s ...]%s%s", (int)head, text,
                     lines ? "\n" : " ", counted((int64_t)(tail - head)).text, where ? ": " : "",
                     where ? where : "", lines ? "\n" : " ", text + tail);
}

static size_t columns_of(uint32_t code)
{
    if (code >= 0x300 && code <= 0x36f)
        return 0;
    bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    return wide ? 2 : 1;
}

size_t text_columns(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length && text[i] != '\0';) {
        uint32_t code = 0;
        size_t bytes = utf8_decode(text + i, UTF8_LONGEST, &code);
        columns += bytes > 0 ? columns_of(code) : 1;
        i += bytes > 0 ? bytes : 1;
    }
    return columns;
}

size_t text_fitting(const char *text, size_t columns)
{
    size_t length = 0;
    size_t used = 0;
    while (text[length] != '\0') {
        uint32_t code = 0;
        size_t bytes = utf8_decode(text + length, UTF8_LONGEST, &code);
        used += bytes > 0 ? columns_of(code) : 1;
        if (used > columns)
            break;
        length += bytes > 0 ? bytes : 1;
    }
    return length;
}

void seconds_format(int64_t duration_ms, char text[SECONDS_TEXT_SIZE])
{
    int64_t ms = duration_ms > 0 ? duration_ms : 0;
    snprintf(text, SECONDS_TEXT_SIZE, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}
