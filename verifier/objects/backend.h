/* What an implementation of `struct store` provides: for objects/ only. The functions are those of
 * store.h, with the implementation's own `self` in place of the store. */
#ifndef OBJECTS_BACKEND_H
#define OBJECTS_BACKEND_H

#include "objects/store.h"

struct backend {
    void (*free)(void *self);
    int (*list)(void *self, const char *prefix, int64_t deadline_ms, object_visitor *visit,
                void *context, struct error *error);
    int (*get)(void *self, const char *key, size_t key_length, int64_t deadline_ms,
               object_sink *sink, void *context, struct object *ret_object, struct error *error);
    int (*put)(void *self, const char *key, size_t key_length, int64_t deadline_ms,
               object_source *source, void *context, struct object *ret_object,
               struct error *error);
    int (*head)(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                bool *ret_found, struct object *ret_object, struct error *error);
    int (*delete)(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                  struct error *error);
    void (*sweep)(void *self, const struct sweep_options *options); /* may be NULL */
};

struct store {
    const struct backend *backend;
    void *self;
    char *name;
    const char *bucket; /* the backend's, or NULL */
    const char *prefix;
};

/* Both fill `ret_store`. */
int s3_open(const struct store_options *options, struct store *ret_store, struct error *error);
int directory_open(const char *path, struct store *ret_store, struct error *error);

#endif
