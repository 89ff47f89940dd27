#include "objects/encoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buffer *into, const char *bytes, size_t length, bool keep_slash)
{
    for (size_t i = 0; i < length; i++)
        if (is_unreserved(bytes[i]) || (keep_slash && bytes[i] == '/'))
            buffer_append(into, &bytes[i], 1);
        else
            buffer_printf(into, "%%%02X", (unsigned char)bytes[i]);
}

int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

long percent_decode(char *bytes, size_t length, bool plus_is_space)
{
    size_t to = 0;
    for (size_t from = 0; from < length; from++) {
        char c = bytes[from];
        if (c == '+' && plus_is_space)
            c = ' ';
        if (c == '%') {
            int high = length - from > 2 ? hex_value(bytes[from + 1]) : -1;
            int low = length - from > 2 ? hex_value(bytes[from + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            from += 2;
        }
        bytes[to++] = c;
    }
    return (long)to;
}

/* The order of the canonical query is that of the encoded names, then of the encoded values. */
static int pair_compare(const char *left, const char *right)
{
    size_t left_name = strcspn(left, "=");
    size_t right_name = strcspn(right, "=");
    size_t shorter = left_name < right_name ? left_name : right_name;
    int order = memcmp(left, right, shorter);
    if (order == 0 && left_name != right_name)
        return left_name < right_name ? -1 : 1;
    return order != 0 ? order : strcmp(left + left_name, right + right_name);
}

void query_add_bytes(struct query *query, const char *name, const char *value, size_t length)
{
    struct buffer pair;
    buffer_init(&pair, QUERY_LIMIT);
    percent_encode(&pair, name, strlen(name), false);
    buffer_append(&pair, "=", 1);
    percent_encode(&pair, value, length, false);
    query->pairs = xreallocarray(query->pairs, query->count + 1, sizeof(*query->pairs));
    size_t at = query->count++;
    for (; at > 0 && pair_compare(query->pairs[at - 1], pair.data) > 0; at--)
        query->pairs[at] = query->pairs[at - 1];
    query->pairs[at] = buffer_steal(&pair);
}

void query_add(struct query *query, const char *name, const char *value)
{
    query_add_bytes(query, name, value, strlen(value));
}

char *query_text(const struct query *query)
{
    struct buffer text;
    buffer_init(&text, QUERY_LIMIT);
    for (size_t i = 0; i < query->count; i++) {
        if (i > 0)
            buffer_append(&text, "&", 1);
        buffer_append_text(&text, query->pairs[i]);
    }
    return buffer_steal(&text);
}

void query_free(struct query *query)
{
    for (size_t i = 0; i < query->count; i++)
        free(query->pairs[i]);
    free(query->pairs);
    *query = (struct query){0};
}

bool etag_is_md5(const char *etag)
{
    for (int i = 0; i < 32; i++)
        if (hex_value(etag[i]) < 0)
            return false;
    return etag[32] == '\0';
}
