/* Lets the system tests call objects/store.h: DRIVER ENDPOINT ACCESS SECRET LOCATION COMMAND [KEY].
 *
 * put reads standard input, get writes standard output; head, delete, measure print what they find.
 * Exit code 2 and the error on standard error when it failed. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "objects/store.h"

static int64_t read_input(void *context, void *bytes, size_t size, struct error *error)
{
    (void)context;
    (void)error;
    return read(STDIN_FILENO, bytes, size);
}

static int write_output(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)context;
    if (fwrite(bytes, 1, length, stdout) != length)
        return cannot_verify(error, "no output");
    return 0;
}

static void print(const struct object *object)
{
    printf("%" PRId64 " %s\n", object->size_bytes, object->etag);
}

static int head(struct store *store, const char *key, int64_t deadline_ms, struct error *error)
{
    struct object object;
    bool found = false;
    if (store_head(store, key, strlen(key), deadline_ms, &found, &object, error) < 0)
        return -1;
    if (found)
        print(&object);
    else
        puts("missing");
    return 0;
}

static int measure(struct store *store, const char *prefix, int64_t deadline_ms,
                   struct error *error)
{
    struct objects_measured measured;
    cleanup(strings_free) struct strings prefixes = {0};
    strings_add(&prefixes, prefix);
    if (store_measure(store, &prefixes, deadline_ms, &measured, error) < 0)
        return -1;
    printf("%" PRId64 " %" PRId64 "\n", measured.count, measured.size_bytes);
    return 0;
}

static int run(struct store *store, const char *command, const char *key, struct error *error)
{
    const char *timeout = getenv("DRIVER_TIMEOUT_MS");
    int64_t deadline_ms = timeout ? deadline_after(strtol(timeout, NULL, 10)) : NO_DEADLINE;
    struct object object = {0};
    size_t length = strlen(key);
    if (strcmp(command, "head") == 0)
        return head(store, key, deadline_ms, error);
    if (strcmp(command, "measure") == 0)
        return measure(store, key, deadline_ms, error);
    if (strcmp(command, "delete") == 0)
        return store_delete(store, key, length, deadline_ms, error);
    if (strcmp(command, "get") == 0)
        return store_get(store, key, length, deadline_ms, write_output, NULL, &object, error);
    if (store_put(store, key, length, deadline_ms, read_input, NULL, &object, error) < 0)
        return -1;
    print(&object);
    return 0;
}

int main(int argc, char **argv)
{
    struct error error;
    struct store *store = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (argc < 6)
        return 3;
    const struct store_options options = {
        .location = argv[4],
        .endpoint = argv[1],
        .access_key = argv[2],
        .secret_key = argv[3],
        .connections = getenv("DRIVER_CONNECTIONS") ? atoi(getenv("DRIVER_CONNECTIONS")) : 0};
    int failed = store_open(&options, &store, &error);
    if (failed == 0)
        failed = run(store, argv[5], argc > 6 ? argv[6] : "", &error);
    store_free(store);
    if (failed == 0 && fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "%s\n", error.text);
    return 2;
}
