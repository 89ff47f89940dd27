#include "scenario/placeholders.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "scenario/words.h"

static const char *const names[PLACEHOLDER_COUNT] = {
    [PLACEHOLDER_URL] = "migration.url",           [PLACEHOLDER_HOST] = "migration.host",
    [PLACEHOLDER_PORT] = "migration.port",         [PLACEHOLDER_USER] = "migration.user",
    [PLACEHOLDER_PASSWORD] = "migration.password", [PLACEHOLDER_DATABASE] = "migration.database",
    [PLACEHOLDER_FROM] = "migration.from",
};

enum { FILLED_LIMIT_BYTES = 8 << 20 };

static const char scheme_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";

/* Which one begins at `inside`, by the name of `length` bytes; PLACEHOLDER_COUNT: none. */
static enum placeholder find(const char *inside, size_t length)
{
    enum placeholder placeholder = 0;
    while (placeholder < PLACEHOLDER_COUNT && (strlen(names[placeholder]) != length ||
                                               strncmp(names[placeholder], inside, length) != 0))
        placeholder++;
    return placeholder;
}

char *placeholder_problem(const char *inside)
{
    size_t length = strcspn(inside, ":");
    enum placeholder placeholder = find(inside, length);
    cleanup(free_pointer) char *name = xstrndup(inside, length);
    cleanup(free_pointer) char *words = shown(name);
    const char *scheme = inside[length] == ':' ? inside + length + 1 : NULL;
    if (placeholder == PLACEHOLDER_COUNT) {
        cleanup(free_pointer) char *near = suggestion(name, names, PLACEHOLDER_COUNT);
        return xasprintf("unknown place `${%s}`%s", words, near);
    }
    if (scheme && placeholder != PLACEHOLDER_URL)
        return xasprintf("`${%s}` takes nothing behind it: only ${migration.url:SCHEME} does",
                         words);
    if (scheme && (*scheme < 'a' || *scheme > 'z' || scheme[strspn(scheme, scheme_letters)]))
        return xstrdup("behind ${migration.url: stands a scheme and nothing else, such as "
                       "postgresql+asyncpg");
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
