#include "report/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/cases.h"

static int not_made(const char *directory, struct error *error)
{
    int reason = errno;
    cleanup(free_pointer) char *path = path_absolute(directory);
    return cannot_verify(error, "cannot make the reports directory %s: %s", path, strerror(reason));
}

static int make_directories(const char *path, struct error *error)
{
    cleanup(free_pointer) char *part = xstrdup(path);
    for (char *c = part + 1;; c++) {
        char here = *c;
        if (here != '/' && here != '\0')
            continue;
        *c = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return not_made(part, error);
        *c = here;
        if (here == '\0')
            return 0;
    }
}

char *result_file_path(const struct result *result, const char *directory, const char *ending)
{
    cleanup(free_pointer) char *name = result_file_name(result);
    cleanup(free_pointer) char *path = path_absolute(directory);
    return xasprintf("%s/%s.%s", path, name, ending);
}

int result_file_remove(const struct result *result, const char *directory, const char *ending,
                       struct error *error)
{
    cleanup(free_pointer) char *path = result_file_path(result, directory, ending);
    if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
        return cannot_verify(error, "cannot remove the report %s: %s", path, strerror(errno));
    return 0;
}

int result_file_write(const struct result *result, const char *directory, const char *ending,
                      const struct buffer *content, struct error *error)
{
    if (make_directories(directory[0] != '\0' ? directory : ".", error) < 0)
        return -1;
    cleanup(free_pointer) char *path = result_file_path(result, directory, ending);
    if (file_replace(path, content->data, content->length, error) == 0)
        return 0;
    unlink(path); /* that of an earlier run, perhaps a green one */
    return error_prefix(error, "the report could not be written: ");
}
