#include "dump/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static int certificate_find(const char *file, char **ret_path, struct error *error)
{
    cleanup(free_pointer) char *path = realpath(file, NULL);
    if (!path || access(path, R_OK) < 0)
        return cannot_verify(error, "source.root_certificate: cannot read %s: %s", file,
                             strerror(errno));
    *ret_path = take(&path);
    return 0;
}

/* A server or a network that is gone without a word is noticed within two minutes. What the URL
 * says otherwise stays. */
static void keep_alive(struct address *address)
{
    static const char *const settings[][2] = {{"keepalives_idle", "30"},
                                              {"keepalives_interval", "10"},
                                              {"keepalives_count", "6"},
                                              {"tcp_user_timeout", "90000"}};
    for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
        if (!address_get(address, settings[i][0]))
            address_set(address, settings[i][0], settings[i][1]);
}

int source_address(const struct scenario *scenario, struct address *ret_address,
                   enum host_kind *ret_kind, struct strings *notices, struct error *error)
{
    cleanup(address_free) struct address address = {0};
    cleanup(free_pointer) char *certificate = NULL;
    cleanup(free_pointer) char *file = path_absolute(scenario->path);
    if (!scenario->source.database)
        return cannot_verify(error, "%s has no source.database: nothing to dump", file);
    if (address_parse(scenario->source.database, &address, error) < 0)
        return error_prefix(error, "source.database: ");
    if (scenario->source.root_certificate &&
        certificate_find(scenario->source.root_certificate, &certificate, error) < 0)
        return -1;
    address_take_environment(&address);
    keep_alive(&address);
    address_resolve_files(&address);
    enum host_kind kind = scenario->source.host;
    if (kind == HOST_GUESS)
        kind = host_recognise(&address);
    if (host_adjust(kind, certificate, &address, notices, error) < 0)
        return -1;
    *ret_address = address;
    address = (struct address){0};
    *ret_kind = kind;
    return 0;
}
