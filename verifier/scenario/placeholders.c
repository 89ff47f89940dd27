#include "scenario/placeholders.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "scenario/words.h"

static const char *const names[PLACEHOLDER_COUNT] = {
    [PLACEHOLDER_URL] = "url",           [PLACEHOLDER_HOST] = "host",
    [PLACEHOLDER_PORT] = "port",         [PLACEHOLDER_USER] = "user",
    [PLACEHOLDER_PASSWORD] = "password", [PLACEHOLDER_DATABASE] = "database",
    [PLACEHOLDER_FROM] = "from",
};

enum { FILLED_LIMIT_BYTES = 8 << 20 };

static const char scheme_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";

const char *placeholder_section(const char *inside)
{
    if (starts_with(inside, PLACEHOLDER_OF_MIGRATION))
        return "migration";
    return starts_with(inside, PLACEHOLDER_OF_COMMANDS) ? "commands" : NULL;
}

/* Which one begins at `inside`, by the name of `length` bytes; PLACEHOLDER_COUNT: none. */
static enum placeholder find(const char *inside, size_t length)
{
    enum placeholder placeholder = 0;
    size_t prefix = strcspn(inside, ".") + 1;
    if (prefix > length)
        return PLACEHOLDER_COUNT;
    inside += prefix;
    length -= prefix;
    while (placeholder < PLACEHOLDER_COUNT && (strlen(names[placeholder]) != length ||
                                               strncmp(names[placeholder], inside, length) != 0))
        placeholder++;
    return placeholder;
}

/* A name that does not exist, with those that do. */
static char *unknown(const char *name, size_t length)
{
    const char *whole[PLACEHOLDER_COUNT];
    cleanup(strings_free) struct strings texts = {0};
    size_t prefix = strcspn(name, ".") + 1;
    bool of_commands = starts_with(name, PLACEHOLDER_OF_COMMANDS);
    size_t count = of_commands ? PLACEHOLDER_FROM : PLACEHOLDER_COUNT;
    for (size_t i = 0; i < count; i++)
        strings_addf(&texts, "%.*s%s", (int)prefix, name, names[i]);
    for (size_t i = 0; i < count; i++)
        whole[i] = texts.items[i];
    cleanup(free_pointer) char *given = xstrndup(name, length);
    cleanup(free_pointer) char *words = shown(given);
    cleanup(free_pointer) char *near = suggestion(given, whole, count);
    return xasprintf("unknown place `${%s}`%s", words, near);
}

char *placeholder_problem(const char *inside)
{
    size_t length = strcspn(inside, ":");
    enum placeholder placeholder = find(inside, length);
    const char *scheme = inside[length] == ':' ? inside + length + 1 : NULL;
    bool of_commands = starts_with(inside, PLACEHOLDER_OF_COMMANDS);
    if (placeholder == PLACEHOLDER_COUNT || (of_commands && placeholder == PLACEHOLDER_FROM))
        return unknown(inside, length);
    int prefix = (int)strcspn(inside, ".");
    if (scheme && placeholder != PLACEHOLDER_URL)
        return xasprintf("`${%.*s}` takes nothing behind it: only ${%.*s.url:SCHEME} does",
                         (int)length, inside, prefix, inside);
    if (scheme && (*scheme < 'a' || *scheme > 'z' || scheme[strspn(scheme, scheme_letters)]))
        return xasprintf("behind ${%.*s.url: stands a scheme and nothing else, such as "
                         "postgresql+asyncpg",
                         prefix, inside);
    return NULL;
}

/* What stands between the two characters, beginning at `begin`; the place is known to be a good
 * one.
 */
static enum placeholder at(const char *begin, const char **ret_scheme, const char **ret_end)
{
    const char *end = strchr(begin, PLACEHOLDER_END);
    size_t length = strcspn(begin, ":\x02");
    *ret_scheme = begin[length] == ':' ? begin + length + 1 : NULL;
    *ret_end = end ? end : begin + strlen(begin);
    return find(begin, length);
}

bool placeholder_is_in(const char *text, enum placeholder placeholder)
{
    const char *scheme;
    for (const char *next = strchr(text, PLACEHOLDER_BEGIN); next;
         next = strchr(next, PLACEHOLDER_BEGIN))
        if (at(next + 1, &scheme, &next) == placeholder)
            return true;
    return false;
}

bool placeholder_of_address_is_in(const char *text)
{
    for (enum placeholder i = 0; i < PLACEHOLDER_COUNT; i++)
        if (i != PLACEHOLDER_FROM && placeholder_is_in(text, i))
            return true;
    return false;
}

char *placeholders_fill(const char *text, const char *const values[PLACEHOLDER_COUNT])
{
    struct buffer filled;
    buffer_init(&filled, FILLED_LIMIT_BYTES);
    while (*text) {
        const char *begin = strchrnul(text, PLACEHOLDER_BEGIN);
        buffer_append(&filled, text, (size_t)(begin - text));
        if (!*begin)
            break;
        const char *scheme, *end;
        enum placeholder placeholder = at(begin + 1, &scheme, &end);
        if (placeholder == PLACEHOLDER_URL)
            buffer_printf(&filled, "%.*s://",
                          scheme ? (int)(end - scheme) : (int)strlen("postgresql"),
                          scheme ? scheme : "postgresql");
        if (placeholder < PLACEHOLDER_COUNT && values[placeholder])
            buffer_append_text(&filled, values[placeholder]);
        text = *end ? end + 1 : end;
    }
    return buffer_steal(&filled);
}
