#include "base/web_url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *behind_scheme(const char *text)
{
    return starts_with(text, "https://")  ? text + strlen("https://")
           : starts_with(text, "http://") ? text + strlen("http://")
                                          : NULL;
}

static bool has_spaces(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == '\177')
            return true;
    return false;
}

/* Bytes above ASCII are letters of a name that libcurl writes in another way. */
static size_t name_length(const char *host, size_t length)
{
    size_t i = 0;
    while (i < length &&
           ((unsigned char)host[i] >= 0x80 || (host[i] && strchr(LETTERS DIGITS "-._", host[i]))))
        i++;
    return i;
}

/* "[::1]": with its brackets; 0: none. */
static size_t literal_length(const char *host, size_t length)
{
    size_t inside = 1 + strspn(host + 1, DIGITS "abcdefABCDEF:.");
    return inside > 2 && inside < length && host[inside] == ']' ? inside + 1 : 0;
}

static bool is_port(const char *text, size_t length)
{
    return length > 0 && length <= 5 && strspn(text, DIGITS) == length &&
           strtol(text, NULL, 10) >= 1 && strtol(text, NULL, 10) <= 65535;
}

const char *web_url_problem(const char *text)
{
    const char *begin = behind_scheme(text);
    if (!begin)
        return "begins with neither https:// nor http://";
    if (has_spaces(text))
        return "has a space in it";
    size_t length = strcspn(begin, "/?#");
    const char *user = memrchr(begin, '@', length);
    const char *host = user ? user + 1 : begin;
    length -= (size_t)(host - begin);
    size_t name = *host == '[' ? literal_length(host, length) : name_length(host, length);
    bool is_dotted = *host == '.' || (name > 1 && host[name - 1] == '.' && host[name - 2] == '.');
    if (length == 0 || *host == ':')
        return "has no host";
    if (name == 0 || is_dotted || (name < length && host[name] != ':'))
        return "has a host that is no name and no address";
    if (name < length && !is_port(host + name + 1, length - name - 1))
        return "has a port that is none from 1 to 65535";
    return NULL;
}
