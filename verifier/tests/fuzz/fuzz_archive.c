/* Feeds arbitrary bytes to the archive reader as a file, by one thread and by two, and wants the
 * same verdict and the same rows of both. Format and container are told from the bytes, so one
 * target reaches all of them; the seeds have one of each.
 * `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int read_with(struct archive *archive, const char *path, int threads)
{
    struct error error = {0};
    struct archive_options options = {.fingerprint = true, .threads = threads};
    int result = archive_read(archive, path, &options, &error);
    must(archive->complete == (result == 0));
    if (result < 0)
        must(error.text[0] != '\0' &&
             (error.fault == FAULT_BACKUP || error.fault == FAULT_MACHINE));
    return result;
}

static void compare(const struct archive *one, const struct archive *other)
{
    must(one->table_count == other->table_count && one->entry_count == other->entry_count);
    must(one->large_object_bytes == other->large_object_bytes);
    must(strcmp(one->sha256, other->sha256) == 0);
    for (size_t i = 0; i < one->table_count; i++) {
        const struct archive_table *a = &one->tables[i], *b = &other->tables[i];
        must(strcmp(a->name, b->name) == 0 && strcmp(a->schema, b->schema) == 0);
        must(memcmp(&a->totals, &b->totals, sizeof(a->totals)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    must(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    struct archive one = {0}, two = {0};
    int result = read_with(&one, path, 1);
    must(read_with(&two, path, 2) == result);
    if (result == 0)
        compare(&one, &two);
    archive_free(&one);
    archive_free(&two);
    close(descriptor);
    return 0;
}
