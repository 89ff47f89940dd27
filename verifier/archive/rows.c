#include "archive/rows.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"

struct rows {
    struct row_totals totals;
    bool fingerprint;
    bool ended;            /* behind the terminator */
    bool rubbish;          /* something else than newlines came behind it */
    bool in_row;           /* some bytes of a row have come, its newline has not */
    bool held_return;      /* the last byte was a CR: part of the row only if no newline follows */
    char start[2];         /* the first bytes of the row under way, to know the terminator */
    int64_t row_bytes;     /* of the row under way, without a held CR */
    XXH3_state_t *hashing; /* the row under way */
};

struct rows *rows_new(bool fingerprint)
{
    struct rows *rows = xcalloc(1, sizeof(*rows));
    rows->fingerprint = fingerprint;
    if (fingerprint) {
        rows->hashing = XXH3_createState();
        if (!rows->hashing)
            rows->hashing = xmalloc(SIZE_MAX); /* ends the program with the usual words */
    }
    return rows;
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    if (rows->hashing)
        XXH3_freeState(rows->hashing);
    free(rows);
}

void rows_freep(struct rows **rows)
{
    rows_free(*rows);
}

void rows_reset(struct rows *rows)
{
    XXH3_state_t *hashing = rows->hashing;
    *rows = (struct rows){.fingerprint = rows->fingerprint, .hashing = hashing};
}

static void add_row(struct rows *rows, int64_t length, XXH128_hash_t hash)
{
    struct row_totals *totals = &rows->totals;
    totals->rows++;
    totals->bytes += length;
    if (length > totals->largest_row_bytes)
        totals->largest_row_bytes = length;
    uint64_t low = totals->fingerprint[0] + hash.low64;
    totals->fingerprint[1] += hash.high64 + (low < hash.low64);
    totals->fingerprint[0] = low;
}

static void add_to_row(struct rows *rows, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && rows->row_bytes + (int64_t)i < 2; i++)
        rows->start[rows->row_bytes + (int64_t)i] = bytes[i];
    rows->row_bytes += (int64_t)length;
    if (rows->hashing)
        XXH3_128bits_update(rows->hashing, bytes, length);
}

/* A row that does not lie in one block comes through here piece by piece. */
static void add_piece(struct rows *rows, const char *bytes, size_t length)
{
    if (!rows->in_row) {
        rows->in_row = true;
        if (rows->hashing)
            XXH3_128bits_reset(rows->hashing);
    }
    if (length == 0)
        return;
    if (rows->held_return)
        add_to_row(rows, "\r", 1);
    rows->held_return = bytes[length - 1] == '\r';
    add_to_row(rows, bytes, rows->held_return ? length - 1 : length);
}

static void end_pieces(struct rows *rows)
{
    if (rows->row_bytes == 2 && memcmp(rows->start, ROWS_TERMINATOR, 2) == 0)
        rows->ended = true;
    else
        add_row(rows, rows->row_bytes,
                rows->hashing ? XXH3_128bits_digest(rows->hashing) : (XXH128_hash_t){0, 0});
    rows->in_row = false;
    rows->held_return = false;
    rows->row_bytes = 0;
}

static void add_whole_row(struct rows *rows, const char *bytes, size_t length)
{
    if (length > 0 && bytes[length - 1] == '\r')
        length--;
    if (length == 2 && memcmp(bytes, ROWS_TERMINATOR, 2) == 0)
        rows->ended = true;
    else
        add_row(rows, (int64_t)length,
                rows->fingerprint ? XXH3_128bits(bytes, length) : (XXH128_hash_t){0, 0});
}

size_t rows_feed_until_end(struct rows *rows, const void *bytes, size_t length)
{
    const char *start = bytes;
    const char *end = start + length;
    const char *at = start;
    while (at < end && !rows->ended) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline) {
            add_piece(rows, at, (size_t)(end - at));
            return length;
        }
        if (rows->in_row) {
            add_piece(rows, at, (size_t)(newline - at));
            end_pieces(rows);
        } else {
            add_whole_row(rows, at, (size_t)(newline - at));
        }
        at = newline + 1;
    }
    return (size_t)(at - start);
}

void rows_feed(struct rows *rows, const void *bytes, size_t length)
{
    const char *all = bytes;
    for (size_t i = rows_feed_until_end(rows, bytes, length); i < length; i++)
        if (all[i] != '\n' && all[i] != '\r')
            rows->rubbish = true;
}

bool rows_ended(const struct rows *rows)
{
    return rows->ended;
}

int64_t rows_so_far(const struct rows *rows)
{
    return rows->totals.rows;
}

int rows_finish(const struct rows *rows, struct row_totals *ret_totals, struct error *error)
{
    if (rows->rubbish)
        return bad_backup(error,
                          "something follows the end of the data, behind row %lld: the backup is "
                          "damaged; make a new one",
                          (long long)rows->totals.rows);
    if (rows->in_row)
        return bad_backup(
            error, "the data is cut in the middle of a line, behind row %lld; make a new backup",
            (long long)rows->totals.rows);
    if (!rows->ended)
        return bad_backup(error,
                          "the data is cut behind row %lld: the line \"\\.\" that ends it is "
                          "missing; make a new backup",
                          (long long)rows->totals.rows);
    *ret_totals = rows->totals;
    return 0;
}
