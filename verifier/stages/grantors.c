#include "stages/grantors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { LINE_BYTES = 8192 };

static bool line_blank(char *line)
{
    static const char words[] = " GRANTED BY ";
    size_t length = strlen(line);
    if (!starts_with(line, "GRANT ") || !ends_with(line, ";\n"))
        return false;
    char *found = NULL, *next = line; /* the last one: roles may have any name */
    while ((next = strstr(next, words)) != NULL)
        found = next++;
    if (found)
        memset(found, ' ', (size_t)(line + length - found) - strlen(";\n"));
    return found != NULL;
}

static int lines_blank(FILE *file)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), file) && !starts_with(line, "\\connect ")) {
        if (!line_blank(line))
            continue;
        if (fseek(file, -(long)strlen(line), SEEK_CUR) < 0 || fputs(line, file) == EOF ||
            fseek(file, 0, SEEK_CUR) < 0) /* between writing and reading */
            return -1;
    }
    return ferror(file) ? -1 : 0;
}

int grantors_leave_out(const char *path, struct error *error)
{
    FILE *file = fopen(path, "r+e");
    int outcome = file ? lines_blank(file) : -1;
    if (file && fclose(file) != 0)
        outcome = -1;
    if (outcome < 0)
        return cannot_verify(error, "cannot change the copy of the backup, %s: %s", path,
                             strerror(errno));
    return 0;
}
