#include "objects/file_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/encoding.h"

enum {
    PATH_LIMIT = 64 * 1024,
    ESCAPE_LENGTH = 3, /* %XX */
};

static bool is_escaped(unsigned char byte, bool folds_case)
{
    if (byte < ' ' || byte == 0x7f || byte == '%')
        return true;
    return folds_case && (byte >= 0x80 || (byte >= 'A' && byte <= 'Z'));
}

static void add_escaped(struct buffer *part, char byte)
{
    buffer_printf(part, "%%%02X", (unsigned char)byte);
}

/* Moves a part that has grown to a name's limit into the path, to be continued. */
static void break_part(struct buffer *path, struct buffer *part)
{
    buffer_append(path, part->data, part->length);
    buffer_append_text(path, "%-/");
    buffer_clear(part);
}

static bool is_dots(const char *part, size_t length)
{
    return (length == 1 || length == 2) && memcmp(part, "..", length) == 0;
}

static void add_part(struct buffer *path, const char *part, size_t length, bool first,
                     bool folds_case)
{
    bool dots = is_dots(part, length);
    bool own = first && length >= strlen(OWN_NAMES) &&
               strncasecmp(part, OWN_NAMES, strlen(OWN_NAMES)) == 0;
    struct buffer name;
    buffer_init(&name, PATH_LIMIT);
    if (length == 0)
        buffer_append_text(&name, "%_");
    for (size_t i = 0; i < length; i++) {
        /* Room is left for the mark of a part that goes on, and for that of a file beside a folder.
         */
        bool escaped = dots || (own && i == 0) || is_escaped((unsigned char)part[i], folds_case);
        if (name.length + (escaped ? ESCAPE_LENGTH : 1) > FILE_NAME_LIMIT - 2)
            break_part(path, &name);
        /* What is left of a long part must not be `.` or `..` either. */
        if (name.length == 0 && is_dots(part + i, length - i))
            dots = escaped = true;
        if (escaped)
            add_escaped(&name, part[i]);
        else
            buffer_append(&name, &part[i], 1);
    }
    buffer_append(path, name.data, name.length);
    buffer_free(&name);
}

char *file_name_of_key(const char *key, size_t key_length, bool folds_case)
{
    struct buffer path;
    buffer_init(&path, PATH_LIMIT);
    size_t start = 0;
    for (size_t at = 0; at <= key_length; at++) {
        if (at < key_length && key[at] != '/')
            continue;
        if (start > 0)
            buffer_append_text(&path, "/");
        add_part(&path, key + start, at - start, start == 0, folds_case);
        start = at + 1;
    }
    return buffer_steal(&path);
}

/* -1 when a percent sign does not begin an escape. */
static int decode_part(const char *part, size_t length, struct buffer *key)
{
    if (length == 2 && memcmp(part, "%_", 2) == 0)
        return 0;
    for (size_t i = 0; i < length; i++) {
        char byte = part[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_value(part[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(part[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        buffer_append(key, &byte, 1);
    }
    return 0;
}

static int decode_path(const char *path, size_t length, struct buffer *ret_key)
{
    for (size_t start = 0; start <= length;) {
        size_t end = start;
        while (end < length && path[end] != '/')
            end++;
        bool goes_on = end < length && end - start > 2 && memcmp(path + end - 2, "%-", 2) == 0;
        if (decode_part(path + start, end - start - (goes_on ? 2 : 0), ret_key) < 0)
            return -1;
        if (end < length && !goes_on)
            buffer_append(ret_key, "/", 1);
        start = end + 1;
    }
    return 0;
}

void key_of_file_name(const char *path, bool folds_case, struct buffer *ret_key, bool *ret_yields)
{
    size_t length = strlen(path);
    bool yields = length > 2 && strcmp(path + length - 2, "%~") == 0;
    if (yields)
        length -= 2;
    buffer_clear(ret_key);
    if (decode_path(path, length, ret_key) == 0) {
        /* Only what is written like this may be read like this. */
        cleanup(free_pointer) char *again =
            file_name_of_key(ret_key->data, ret_key->length, folds_case);
        if (strlen(again) == length && memcmp(again, path, length) == 0) {
            if (ret_yields)
                *ret_yields = yields;
            return;
        }
    }
    buffer_clear(ret_key);
    buffer_append_text(ret_key, path);
    if (ret_yields)
        *ret_yields = false;
}
