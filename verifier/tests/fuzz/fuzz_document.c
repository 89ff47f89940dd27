/* Feeds arbitrary bytes to the readers of what lies beside backups: manifests, and records of
 * verifications. One that is read is written again, and must be read as the same.
 * `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "shelf/manifest.h"
#include "shelf/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_manifest(const char *text, size_t size)
{
    cleanup(manifest_free) struct manifest one = {0}, other = {0};
    struct error error = {0};
    if (manifest_parse(text, size, "fuzz", &one, &error) < 0) {
        must(error.text[0] != '\0');
        return;
    }
    cleanup(free_pointer) char *first = manifest_format(&one);
    must(manifest_parse(first, strlen(first), "fuzz", &other, &error) == 0);
    cleanup(free_pointer) char *second = manifest_format(&other);
    must(strcmp(first, second) == 0);
}

static void read_record(const char *text, size_t size)
{
    cleanup(record_free) struct record one = {0}, other = {0};
    struct error error = {0};
    if (record_parse(text, size, "fuzz", &one, &error) < 0) {
        must(error.text[0] != '\0');
        return;
    }
    cleanup(free_pointer) char *first = record_format(&one);
    must(record_parse(first, strlen(first), "fuzz", &other, &error) == 0);
    cleanup(free_pointer) char *second = record_format(&other);
    must(strcmp(first, second) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = xmalloc(size + 1);
    memcpy(copy, data, size);
    read_manifest(copy, size);
    read_record(copy, size);
    free(copy);
    return 0;
}
