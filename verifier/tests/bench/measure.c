/* Runs a command and writes to FILE: wall seconds, processor seconds, peak memory in KiB.
 *
 * A process of its own, because the peak of a child begins with that of the process that forked it:
 * a large one would hide what a small command needs. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct timespec began;
    struct timespec ended;
    struct rusage usage;
    int status;
    if (argc < 3) {
        fputs("usage: measure FILE COMMAND ...\n", stderr);
        return 127;
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
        return 127;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    FILE *file = fopen(argv[1], "w");
    if (!file)
        return 127;
    fprintf(file, "%.6f %.6f %ld\n",
            (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
            seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime), usage.ru_maxrss);
    fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
