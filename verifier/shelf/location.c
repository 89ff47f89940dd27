#include "shelf/location.h"

#include <string.h>

#include "base/memory.h"

struct store_options store_options_for(const char *location, const struct store_access *access)
{
    return (struct store_options){.location = location,
                                  .endpoint = access->endpoint,
                                  .region = access->region,
                                  .access_key = access->access_key,
                                  .secret_key = access->secret_key};
}

struct store_options location_options(const struct scenario *scenario, const char *location)
{
    const struct objects *objects = &scenario->objects;
    const struct store_access *own = &scenario->backups.access;
    bool told = own->endpoint || own->region || own->access_key || own->secret_key;
    bool beside_objects = !told && objects->present && starts_with(objects->bucket, "s3://");
    return store_options_for(location, beside_objects ? &objects->access : own);
}

static void prepare(struct shelf *shelf, const struct scenario *scenario)
{
    if (scenario->backups.time != DATED_BY_NAME)
        shelf_ignore_dates(shelf);
    if (scenario->source.database)
        shelf_expect_dumps(shelf);
}

int location_open(const struct scenario *scenario, struct shelf **ret_shelf, struct error *error)
{
    const struct store_options options = location_options(scenario, scenario->backups.location);
    if (shelf_open(&options, ret_shelf, error) < 0)
        return -1;
    prepare(*ret_shelf, scenario);
    return 0;
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
    if (scenario)
        prepare(*ret_shelf, scenario);
    *ret_name = xstrdup(name);
    return 0;
}
