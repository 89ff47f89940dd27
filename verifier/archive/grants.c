#include "archive/grants.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "archive/plain/plain.h"
#include "base/buffer.h"

enum { MOST = 1 << 20 };

static bool begins(const char *text, const char *words)
{
    return strncasecmp(text, words, strlen(words)) == 0;
}

/* Blanks and line breaks become one blank each, but for those in quotes. Caller frees. */
static char *on_one_line(const char *text, size_t length)
{
    struct buffer line;
    buffer_init(&line, length + 1);
    char quote = '\0';
    for (size_t i = 0; i < length; i++) {
        const bool blank = !quote && isspace((unsigned char)text[i]);
        const bool doubled = line.length > 0 && line.data[line.length - 1] == ' ';
        if (blank && (doubled || line.length == 0))
            continue;
        if (quote && text[i] == quote)
            quote = '\0';
        else if (!quote && (text[i] == '"' || text[i] == '\''))
            quote = text[i];
        const char letter = (char)(blank || iscntrl((unsigned char)text[i]) ? ' ' : text[i]);
        buffer_append(&line, &letter, 1);
    }
    while (line.length > 0 && strchr(" ;", line.data[line.length - 1]))
        line.data[--line.length] = '\0';
    return buffer_steal(&line);
}

char *grant_statement(const char *text, size_t length)
{
    for (; length > 0 && isspace((unsigned char)*text); length--)
        text++;
    if (length == 0 || !strchr("gGrRaA", *text)) /* most are something else */
        return NULL;
    cleanup(free_pointer) char *line = on_one_line(text, length < MOST ? length : MOST);
    const bool defaults = begins(line, "ALTER DEFAULT PRIVILEGES ");
    if (!defaults && !begins(line, "GRANT ") && !begins(line, "REVOKE "))
        return NULL;
    if (!strstr(line, " ON ") || (!defaults && strstr(line, " ON DATABASE ")))
        return NULL;
    return take(&line);
}

/* Of an entry there are several, one a line; a name may hold a semicolon. */
static void entry_grants(const char *definition, struct strings *grants)
{
    char quote = '\0';
    const char *begin = definition;
    for (const char *at = definition; *begin; at++) {
        if (quote && *at == quote)
            quote = '\0';
        else if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
        if (*at && (quote || *at != ';'))
            continue;
        cleanup(free_pointer) char *grant = grant_statement(begin, (size_t)(at - begin));
        if (grant)
            strings_add(grants, grant);
        if (!*at)
            return;
        begin = at + 1;
    }
}

static bool is_of_rights(const char *description)
{
    return strcmp(description, "ACL") == 0 || strcmp(description, "DEFAULT ACL") == 0 ||
           strcmp(description, "ACL LANGUAGE") == 0;
}

static int plain_grants_find(const struct archive *archive, struct strings *grants,
                             struct error *error)
{
    const struct plain_grants *plain = &archive->plain->grants;
    if (plain->cut)
        return cannot_verify(error, "it holds more GRANT and REVOKE statements, or longer ones, "
                                    "than this program keeps");
    for (size_t i = 0; i < plain->count; i++)
        if (!archive->view_of || strcmp(archive->view_of, plain->items[i].database) == 0)
            strings_add(grants, plain->items[i].text);
    return 0;
}

int grants_find(const struct archive *archive, struct strings *ret_grants, struct error *error)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (is_of_rights(archive->entries[i].description))
            entry_grants(archive->entries[i].definition, ret_grants);
    if (archive->plain && plain_grants_find(archive, ret_grants, error) < 0)
        return -1;
    for (size_t i = 0; i < archive->part_count; i++)
        if (archive->parts[i].plain && plain_grants_find(&archive->parts[i], ret_grants, error) < 0)
            return -1;
    return 0;
}
