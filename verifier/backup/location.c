#include "backup/location.h"

#include <string.h>

#include "base/memory.h"

struct store_options location_options(const struct scenario *scenario, const char *location)
{
    const struct objects *objects = &scenario->objects;
    struct store_options options = {.location = location,
                                    .endpoint = scenario->backups.endpoint,
                                    .region = scenario->backups.region,
                                    .access_key = scenario->backups.access_key,
                                    .secret_key = scenario->backups.secret_key};
    bool told = options.endpoint || options.region || options.access_key || options.secret_key;
    if (told || !objects->present || !starts_with(objects->bucket, "s3://"))
        return options;
    options.endpoint = objects->endpoint;
    options.region = objects->region;
    options.access_key = objects->access_key;
    options.secret_key = objects->secret_key;
    return options;
}

int location_open(const struct scenario *scenario, struct shelf **ret_shelf, struct error *error)
{
    const struct store_options options = location_options(scenario, scenario->backups.location);
    return shelf_open(&options, ret_shelf, error);
}

/* "dir/" names the directory. */
static char *without_slash(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return xstrndup(path, length);
}

int location_open_file(const struct scenario *scenario, const char *path, struct shelf **ret_shelf,
                       char **ret_name, struct error *error)
{
    bool in_bucket = starts_with(path, "s3://");
    cleanup(free_pointer) char *whole = in_bucket ? xstrdup(path) : without_slash(path);
    const char *slash = strrchr(whole, '/');
    const char *name = slash ? slash + 1 : whole;
    if (in_bucket && (*name == '\0' || slash < whole + strlen("s3://")))
        return cannot_verify(error, "%s names no backup: s3://bucket/prefix/NAME", path);
    cleanup(free_pointer) char *location =
        !slash ? xstrdup(".") : xstrndup(whole, slash == whole ? 1 : (size_t)(slash - whole));
    struct store_options options =
        scenario ? location_options(scenario, location) : (struct store_options){0};
    options.location = location;
    if (shelf_open(&options, ret_shelf, error) < 0)
        return -1;
    *ret_name = xstrdup(name);
    return 0;
}
