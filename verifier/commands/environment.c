#include "commands/environment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"

enum { FILE_LIMIT_BYTES = 1 << 20 };

/* It holds passwords. */
static int refuse_open_file(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return cannot_verify(
            error, "the environment file %s is open to others than its owner: chmod 600 %s", path,
            path);
    return 0;
}

static bool is_name(const char *begin, const char *end)
{
    if (begin == end || isdigit((unsigned char)*begin))
        return false;
    for (; begin < end; begin++)
        if (!isalnum((unsigned char)*begin) && *begin != '_')
            return false;
    return true;
}

static int set_from_line(char *line, const char *path, size_t number, struct error *error)
{
    line[strcspn(line, "\r")] = '\0';
    if (line[strspn(line, " \t")] == '\0' || *line == '#')
        return 0;
    char *equals = strchr(line, '=');
    if (!equals || !is_name(line, equals))
        return cannot_verify(
            error,
            "line %zu of the environment file %s is not NAME=value: a name has letters, "
            "digits and _, and nothing stands before it, no `export` either",
            number, path);
    *equals = '\0';
    setenv(line, equals + 1, 1);
    return 0;
}

int environment_load(const char *path, struct error *error)
{
    struct buffer content;
    if (refuse_open_file(path, error) < 0)
        return -1;
    if (file_read(path, FILE_LIMIT_BYTES, &content, error) < 0)
        return error_prefix(error, "the environment file: ");
    int outcome = 0;
    size_t number = 0;
    char *rest = content.data;
    if (memchr(content.data, '\0', content.length))
        outcome = cannot_verify(error, "the environment file %s is no text", path);
    for (char *line; outcome == 0 && (line = strsep(&rest, "\n"));)
        outcome = set_from_line(line, path, ++number, error);
    buffer_free(&content);
    return outcome;
}
