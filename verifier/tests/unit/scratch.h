/* A directory of its own for a test that needs files, and what such tests do with them. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shelf/shelf.h"

/* A fresh directory that anyone may enter; gone when its variable leaves its scope:
 * `cleanup(scratch_free) char *scratch = scratch_new();` */
char *scratch_new(void);
void scratch_free(char **directory);

/* DIRECTORY/NAME: to be freed by the caller. */
char *scratch_path(const char *directory, const char *name);
void scratch_write(const char *path, const char *text, mode_t mode);
bool exists(const char *path);

/* The directory as a place for backups; `as_bucket`: behind the interface that a bucket has. */
struct shelf *scratch_shelf(const char *directory, bool as_bucket);

/* Waits until the file holds a number and gives it: how a process in a test tells its pid. */
pid_t scratch_read_pid(const char *path);

/* Has the process gone, or does it go within two seconds? A zombie has gone. */
bool process_goes(pid_t pid);

#endif
