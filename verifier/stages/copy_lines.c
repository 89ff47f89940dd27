#include "stages/copy_lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { LINE_BYTES = 8192 };

static int lines_blank(FILE *file, const char *until, line_blank *blank, const void *context)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), file) && !(until && starts_with(line, until))) {
        if (!blank(line, context))
            continue;
        if (fseek(file, -(long)strlen(line), SEEK_CUR) < 0 || fputs(line, file) == EOF ||
            fseek(file, 0, SEEK_CUR) < 0) /* between writing and reading */
            return -1;
    }
    return ferror(file) ? -1 : 0;
}

int copy_lines_blank(const char *path, const char *until, line_blank *blank, const void *context,
                     struct error *error)
{
    FILE *file = fopen(path, "r+e");
    int outcome = file ? lines_blank(file, until, blank, context) : -1;
    if (file && fclose(file) != 0)
        outcome = -1;
    if (outcome < 0)
        return cannot_verify(error, "cannot change the copy of the backup, %s: %s", path,
                             strerror(errno));
    return 0;
}
