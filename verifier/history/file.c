/* A history in one file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "history/lines.h"

static char *name_of(const char *scenario)
{
    return xasprintf("%s.jsonl", scenario);
}

int file_lines_read(struct shelf *shelf, const char *scenario, struct history_entries *entries,
                    struct strings *notices, struct error *error)
{
    cleanup(free_pointer) char *name = name_of(scenario);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    struct buffer content;
    int outcome = shelf_read(shelf, name, LINES_LIMIT_BYTES, &content, error);
    if (outcome != 0)
        return outcome < 0 ? -1 : 0;
    lines_parse(content.data, content.length, path, entries, notices);
    buffer_free(&content);
    return 0;
}

/* Is the file at `path` still the one that is open? Another writer may have put a shorter one in
 * its place while we waited for the lock. */
static bool is_current(int descriptor, const char *path)
{
    struct stat open_one, named;
    return fstat(descriptor, &open_one) == 0 && stat(path, &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* Where files cannot be locked (some network file systems), a line is still one write. 1: another
 * file lies there by now. */
static int open_once(const char *path, int *ret_descriptor, struct error *error)
{
    int locked;
    int descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    do
        locked = flock(descriptor, LOCK_EX);
    while (locked < 0 && errno == EINTR);
    if (!is_current(descriptor, path)) {
        close(descriptor);
        return 1;
    }
    *ret_descriptor = descriptor;
    return 0;
}

static int open_locked(const char *path, int *ret_descriptor, struct error *error)
{
    int opened;
    do
        opened = open_once(path, ret_descriptor, error);
    while (opened > 0);
    return opened;
}

static int write_line(int descriptor, const char *path, const struct history_entry *entry,
                      struct error *error)
{
    char last = '\n';
    off_t size = lseek(descriptor, 0, SEEK_END);
    if (size > 0 && pread(descriptor, &last, 1, size - 1) != 1)
        return cannot_verify(error, "cannot read %s: %s", path, strerror(errno));
    cleanup(free_pointer) char *line = history_entry_format(entry);
    /* A line that a crash cut short ends here. */
    cleanup(free_pointer) char *text = xasprintf("%s%s", last == '\n' ? "" : "\n", line);
    if (write_all(descriptor, text, strlen(text), path, error) < 0)
        return -1;
    return fsync(descriptor) == 0
               ? 0
               : cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
}

/* Is there a line that may go? */
static bool has_old(const struct history_entries *entries, time_t since)
{
    for (size_t i = 0; i < entries->count; i++)
        if (entries->items[i].began < since)
            return true;
    return false;
}

static int drop_old(struct shelf *shelf, const char *name, const struct history_entries *entries,
                    time_t since, const struct history_entry *entry, struct error *error)
{
    cleanup(free_pointer) char *younger = lines_format(entries, since);
    cleanup(free_pointer) char *line = history_entry_format(entry);
    cleanup(free_pointer) char *text = xasprintf("%s%s", younger, line);
    return shelf_write(shelf, name, text, error);
}

/* Only the last part of the path: the directory above is that of the backups, or of the reports. */
static int make_directory(const char *directory, struct error *error)
{
    if (mkdir(directory, 0777) == 0 || errno == EEXIST)
        return 0;
    return cannot_verify(error, "cannot make the directory %s: %s", directory, strerror(errno));
}

int file_lines_append(struct shelf *shelf, const char *scenario, const struct history_entry *entry,
                      time_t since, struct error *error)
{
    cleanup(free_pointer) char *name = name_of(scenario);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    cleanup(strings_free) struct strings ignored = {0};
    cleanup(close_descriptor) int descriptor = -1;
    struct history_entries entries = {0};
    if (make_directory(shelf_directory(shelf), error) < 0 ||
        open_locked(path, &descriptor, error) < 0 ||
        file_lines_read(shelf, scenario, &entries, &ignored, error) < 0)
        return -1;
    /* What is written again lacks what could not be understood. */
    int outcome = entries.newer == 0 && has_old(&entries, since)
                      ? drop_old(shelf, name, &entries, since, entry, error)
                      : write_line(descriptor, path, entry, error);
    history_entries_free(&entries);
    return outcome;
}
