/* Writing an object of unknown length: in one request when it is short, else in parts. */
#ifndef OBJECTS_UPLOAD_H
#define OBJECTS_UPLOAD_H

#include "objects/client.h"
#include "objects/store.h"

struct upload_options {
    const char *key;
    size_t key_length;
    int64_t deadline_ms;
    object_source *source;
    void *context;
    size_t part_size; /* of the first parts, later ones are longer; 0: 16 MiB */
};

int upload_run(struct client *client, const struct upload_options *options,
               struct object *ret_object, struct error *error);

/* As store_sweep. */
void upload_sweep(struct client *client, const struct sweep_options *options);

#endif
