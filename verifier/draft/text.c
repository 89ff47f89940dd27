#include "draft/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "draft/write.h"

enum { COMMENT_COLUMN = 40 };

/* What YAML 1.1 or 1.2 takes for something else than a text. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"y",    "n",     "yes",  "no",  "on",  "off",
                                        "true", "false", "null", "nan", "inf", "none"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_bare(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || !(isalpha((unsigned char)text[0]) || strchr("_/", text[0])) ||
        is_word_of_yaml(text) || strstr(text, ": ") || strstr(text, " #") ||
        strchr(" :", text[length - 1]))
        return false;
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            return false;
    return true;
}

/* What stands in no YAML as it is, or ends a line there: controls, the separators of lines and
 * paragraphs, the marks of byte order. Gives its length in bytes; 0: it is none of these. */
static size_t is_escaped(const char *at, uint32_t *ret_code)
{
    size_t length = utf8_decode(at, UTF8_LONGEST, ret_code);
    if (length == 0)
        return 0;
    bool ends_line = *ret_code == 0x2028 || *ret_code == 0x2029;
    bool is_mark = *ret_code == 0xfeff || *ret_code == 0xfffe || *ret_code == 0xffff;
    return is_control(*ret_code) || ends_line || is_mark ? length : 0;
}

char *yaml_scalar(const char *text)
{
    if (is_bare(text))
        return xstrdup(text);
    struct buffer quoted;
    buffer_init(&quoted, FILE_LIMIT_BYTES);
    buffer_append_text(&quoted, "\"");
    for (size_t length = 1; *text; text += length) {
        uint32_t code;
        size_t escaped = is_escaped(text, &code);
        length = escaped ? escaped : 1;
        if (escaped)
            buffer_printf(&quoted, "\\u%04x", code);
        else if (*text == '"' || *text == '\\')
            buffer_printf(&quoted, "\\%c", *text);
        else
            buffer_append(&quoted, text, 1);
    }
    buffer_append_text(&quoted, "\"");
    return buffer_steal(&quoted);
}

char *value_scalar(const char *text)
{
    struct buffer value;
    buffer_init(&value, FILE_LIMIT_BYTES);
    for (const char *at = text; *at; at++)
        buffer_printf(&value, starts_with(at, "${") ? "$%c" : "%c", *at);
    cleanup(free_pointer) char *escaped = buffer_steal(&value);
    return yaml_scalar(escaped);
}

char *comment_text(const char *text)
{
    struct buffer clean;
    buffer_init(&clean, FILE_LIMIT_BYTES);
    for (size_t length = 1; *text; text += length) {
        uint32_t code;
        size_t escaped = is_escaped(text, &code);
        length = escaped ? escaped : 1;
        buffer_append(&clean, escaped ? "?" : text, 1);
    }
    return buffer_steal(&clean);
}

char *draft_scenario_name(const char *text)
{
    char *name = xstrndup(text, 60);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            *at = '-';
    if (name[strspn(name, "-_")] == '\0') {
        free(name);
        return xstrdup("database");
    }
    return name;
}

void add_line(struct buffer *file, const char *comment, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    va_end(arguments);
    int pad = comment ? COMMENT_COLUMN - (int)utf8_count(text, strlen(text)) : 0;
    buffer_printf(file, "%s%*s%s%s\n", text, comment ? (pad > 1 ? pad : 1) : 0, "",
                  comment ? "# " : "", comment ? comment : "");
}
