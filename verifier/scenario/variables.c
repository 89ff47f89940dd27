#include "scenario/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "scenario/placeholders.h"
#include "scenario/words.h"

struct replacement {
    struct buffer text;
    char *(*environment)(const char *name);
    variable_problem *tell;
    void *context;
    const char *places; /* the section whose places are allowed; or NULL */
    size_t problems;
};

/* More in one value say nothing new, and each costs a look for its place in the text. */
enum { PROBLEMS_TOLD = 10 };

__attribute__((format(printf, 3, 4))) static void fail(struct replacement *replacement,
                                                       size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *words = xvasprintf(format, arguments);
    va_end(arguments);
    replacement->tell(replacement->context, offset, words);
    replacement->problems++;
}

static size_t name_length(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    if (*text == '\0' || !strchr(letters, *text))
        return 0;
    size_t length = 1;
    while (text[length] && (strchr(letters, text[length]) || strchr("0123456789", text[length])))
        length++;
    return length;
}

static void keep_place(struct replacement *replacement, size_t offset, const char *inside)
{
    cleanup(free_pointer) char *words = shown(inside);
    cleanup(free_pointer) char *wrong = placeholder_problem(inside);
    const char *section = placeholder_section(inside);
    if (!replacement->places || strcmp(replacement->places, section) != 0)
        fail(replacement, offset, "`${%s}` is known under `%s` only", words, section);
    else if (wrong)
        fail(replacement, offset, "%s", wrong);
    else if (buffer_printf(&replacement->text, "%c%s%c", PLACEHOLDER_BEGIN, inside,
                           PLACEHOLDER_END) < 0)
        fail(replacement, offset, "the value is longer than a scenario may hold");
}

/* `inside` is what stands between the braces. */
static void replace_one(struct replacement *replacement, size_t offset, const char *inside)
{
    if (placeholder_section(inside)) {
        keep_place(replacement, offset, inside);
        return;
    }
    size_t length = name_length(inside);
    const char *rest = inside + length;
    if (length == 0 || (*rest != '\0' && !starts_with(rest, ":-"))) {
        cleanup(free_pointer) char *words = shown(inside);
        fail(replacement, offset, "`${%s}` is neither ${NAME} nor ${NAME:-default}", words);
        return;
    }
    if (strstr(rest, "${")) {
        fail(replacement, offset, "a default cannot hold another `${`, or the `}` is missing");
        return;
    }
    cleanup(free_pointer) char *name = xstrndup(inside, length);
    const char *value = replacement->environment(name);
    if (*rest && (!value || *value == '\0'))
        value = rest + strlen(":-");
    if (!value)
        fail(replacement, offset,
             "the environment variable `%s` is not set: set it, or write ${%s:-default}", name,
             name);
    else if (buffer_append_text(&replacement->text, value) < 0)
        fail(replacement, offset, "the value of the environment variable `%s` is too long", name);
}

/* Handles what begins at the `$` at `offset`; returns where to go on. */
static size_t dollar(struct replacement *replacement, const char *text, size_t offset)
{
    if (starts_with(text + offset, "$${")) {
        buffer_append_text(&replacement->text, "${");
        return offset + strlen("$${");
    }
    if (text[offset + 1] != '{') {
        buffer_append(&replacement->text, "$", 1);
        return offset + 1;
    }
    const char *inside = text + offset + strlen("${");
    const char *end = strchr(inside, '}');
    if (!end) {
        fail(replacement, offset, "`${` without `}`: close it, or write $${ for a literal ${");
        return offset + strlen(text + offset);
    }
    cleanup(free_pointer) char *between = xstrndup(inside, (size_t)(end - inside));
    replace_one(replacement, offset, between);
    return (size_t)(end + 1 - text);
}

int variables_replace(const char *text, size_t limit_bytes, const char *places,
                      char *(*environment)(const char *name), char **ret_text,
                      variable_problem *tell, void *context)
{
    struct replacement replacement = {
        .environment = environment, .tell = tell, .context = context, .places = places};
    buffer_init(&replacement.text, limit_bytes);
    size_t offset = 0;
    while (text[offset] && replacement.problems < PROBLEMS_TOLD) {
        size_t plain = strcspn(text + offset, "$");
        buffer_append(&replacement.text, text + offset, plain);
        offset += plain;
        if (text[offset] == '$')
            offset = dollar(&replacement, text, offset);
    }
    if (replacement.text.overflowed && replacement.problems == 0)
        fail(&replacement, 0, "the value is longer than a scenario may hold");
    if (replacement.problems > 0) {
        buffer_free(&replacement.text);
        return -1;
    }
    *ret_text = buffer_steal(&replacement.text);
    return 0;
}
