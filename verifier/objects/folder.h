/* A directory that holds objects under the names that file_name.h gives them.
 *
 * Every path is walked from the directory's own descriptor, part by part, following no link:
 * nothing outside of it can be read or written, whatever keys say or others put there.
 */
#ifndef OBJECTS_FOLDER_H
#define OBJECTS_FOLDER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "objects/store.h"

struct folder {
    char *path;
    int descriptor;
    bool folds_case;            /* takes names that differ only in case for the same */
    pthread_mutex_t placing;    /* held while names are made way for */
    unsigned long long numbers; /* of temporary files */
};

/* -1 when there is no such directory (with `create`: when it cannot be made). */
int folder_open(const char *path, bool create, struct folder **ret_folder, struct error *error);
void folder_free(struct folder *folder); /* takes NULL */

/* Told of each object with the path of its file, relative to the directory. */
typedef int folder_visitor(void *context, const struct object *object, const char *file_name,
                           struct error *error);
/* A link or a special file among them is an error: what it stands for cannot be known. */
int folder_walk(struct folder *folder, folder_visitor *visit, void *context, struct error *error);

/* The file of a key: its path (freed by the caller) and descriptor, -1 when there is none. */
int folder_find(struct folder *folder, const char *key, size_t key_length, char **ret_file_name,
                int *ret_descriptor, struct error *error);

/* A new file for writing, which no listing shows. `ret_name` is freed by the caller. */
int folder_temporary(struct folder *folder, char **ret_name, int *ret_descriptor,
                     struct error *error);
/* Gives a temporary file the name of a key, in place of what had it: in one step. `file_name` is
 * that of the file which had it, or NULL for a new key. */
int folder_place(struct folder *folder, const char *temporary, const char *key, size_t key_length,
                 const char *file_name, struct error *error);
void folder_drop(struct folder *folder, const char *temporary);
/* Removes the temporary files that killed runs have left. */
int folder_sweep(struct folder *folder, struct error *error);

/* Removes a file, and the directories that are empty without it. */
int folder_remove(struct folder *folder, const char *file_name, struct error *error);

#endif
