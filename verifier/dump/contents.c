#include "dump/contents.h"

#include "archive/archive.h"

enum { FIRST_BYTES = 64 * 1024, MOST_BYTES = 32 * 1024 * 1024 };

void contents_init(struct contents *contents)
{
    *contents = (struct contents){0};
    buffer_init(&contents->bytes, MOST_BYTES);
}

void contents_free(struct contents *contents)
{
    buffer_free(&contents->bytes);
    schema_totals_free(&contents->totals);
}

static void end(struct contents *contents)
{
    contents->done = true;
    buffer_free(&contents->bytes);
    buffer_init(&contents->bytes, 0);
}

static void try(struct contents *contents)
{
    struct error ignored; /* whether the archive is one, is not asked here */
    struct archive archive = {0};
    contents->tried = contents->bytes.length;
    int outcome =
        archive_read_contents(&archive, contents->bytes.data, contents->bytes.length, &ignored);
    if (outcome == 0)
        schema_totals_find(&archive, &contents->totals);
    if (outcome <= 0)
        end(contents);
    archive_free(&archive);
}

void contents_take(struct contents *contents, const void *bytes, size_t length)
{
    if (contents->done)
        return;
    if (buffer_append(&contents->bytes, bytes, length) < 0)
        end(contents);
    else if (contents->bytes.length >= FIRST_BYTES && contents->bytes.length / 2 >= contents->tried)
        try(contents);
}

void contents_finish(struct contents *contents, struct schema_totals *ret_totals)
{
    if (!contents->done)
        try(contents);
    *ret_totals = contents->totals;
    contents->totals = (struct schema_totals){0};
}
