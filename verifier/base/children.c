#include "base/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { PAUSE_US = 2000, STAT_BYTES = 1024 };

void pids_free(struct pids *pids)
{
    free(pids->items);
    *pids = (struct pids){0};
}

void pids_add(struct pids *pids, pid_t pid)
{
    pids->items = xreallocarray(pids->items, pids->count + 1, sizeof(*pids->items));
    pids->items[pids->count++] = pid;
}

void children_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Of "123 (name) S 1 ...", in which a name may hold anything; 0 when it has gone. */
static pid_t parent_of(pid_t pid)
{
    char path[64], text[STAT_BYTES];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    cleanup(close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *behind = strrchr(text, ')');
    return behind && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

void children_list(struct pids *ret_children)
{
    struct pids children = {0};
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        char *end;
        pid_t pid = (pid_t)strtol(entry->d_name, &end, 10);
        if (*end == '\0' && pid > 1 && parent_of(pid) == getpid())
            pids_add(&children, pid);
    }
    if (processes)
        closedir(processes);
    *ret_children = children;
}

static bool is_spared(const struct pids *spared, pid_t pid)
{
    for (size_t i = 0; i < spared->count; i++)
        if (spared->items[i] == pid)
            return true;
    return false;
}

/* Gives how many were left, running or not yet waited for. */
static size_t end_once(const struct pids *spared, size_t *running)
{
    struct pids children;
    size_t left = 0;
    children_list(&children);
    for (size_t i = 0; i < children.count; i++) {
        pid_t pid = children.items[i];
        if (is_spared(spared, pid))
            continue;
        left++;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            continue;
        (*running)++;
        kill(pid, SIGKILL);
    }
    pids_free(&children);
    return left;
}

size_t children_end(const struct pids *spared, int64_t deadline_ms)
{
    size_t ended = 0;
    for (size_t running = 0; end_once(spared, &running) > 0; running = 0) {
        /* One that was told to end is seen again until it has. */
        ended = running > ended ? running : ended;
        if (clock_ms() >= deadline_ms)
            break;
        usleep(PAUSE_US);
    }
    return ended;
}
