#include "base/cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { PROC_LIMIT_BYTES = 65536 };

int64_t number_in_file(const char *path, const char *label)
{
    struct buffer content;
    struct error ignored;
    if (file_read(path, PROC_LIMIT_BYTES, &content, &ignored) < 0)
        return -1;
    int64_t number = -1;
    const char *found = strstr(content.data, label);
    if (found) {
        char *end;
        found += strlen(label);
        number = strtoll(found, &end, 10);
        if (end == found)
            number = -1; /* "max" */
    }
    buffer_free(&content);
    return number;
}

int64_t cgroup_leaves(const char *tree, const char *own_groups, cgroup_limit *limit,
                      int64_t available)
{
    struct buffer content;
    struct error ignored;
    if (file_read(own_groups, PROC_LIMIT_BYTES, &content, &ignored) < 0)
        return limit(tree, available);
    /* "0::/system.slice/nightly.service"; in a container the path may be of a tree that is not
     * mounted here, and the root of the one that is mounted is our own group. */
    const char *own = strstr(content.data, "0::/");
    cleanup(free_pointer) char *path =
        xasprintf("%s%.*s", tree, own ? (int)strcspn(own + 3, "\n") : 0, own ? own + 3 : "");
    buffer_free(&content);
    /* Every group above limits too. */
    while (strlen(path) > strlen(tree)) {
        available = limit(path, available);
        *strrchr(path, '/') = '\0';
    }
    return limit(tree, available);
}
