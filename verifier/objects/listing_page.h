/* One page of ListObjects or ListObjectsV2 of the Amazon S3 API reference, read as it arrives: only
 * what it tells of its objects is kept. What is missing or contradicts itself is an error.
 */
#ifndef OBJECTS_LISTING_PAGE_H
#define OBJECTS_LISTING_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "objects/store.h"

struct listed_object {
    size_t key; /* where it begins in the page's texts */
    size_t key_length;
    size_t etag;
    int64_t size_bytes;
    int64_t modified_ms;
};

/* Keys are decoded already, other texts are as they came; those that the answer did not hold are
 * NULL. */
struct listing_page {
    struct listed_object *objects;
    size_t count;
    struct buffer texts;
    bool truncated;
    char *next_token;   /* V2 */
    char *token;        /* V2: which token this page answers */
    char *start_after;  /* V2: which start it answers */
    char *marker;       /* V1: the same */
    char *bucket;       /* whose page it is */
    int64_t told_count; /* V2's KeyCount; -1 */
};

struct page_reader;
struct page_reader *page_reader_new(void);
/* Takes the next bytes of the answer; what is wrong with them shows at the end. */
void page_reader_feed(struct page_reader *reader, const char *bytes, size_t length);
int page_reader_finish(struct page_reader *reader, struct listing_page *ret_page,
                       struct error *error);       /* call once */
void page_reader_free(struct page_reader *reader); /* takes NULL */

const char *listing_page_key(const struct listing_page *page, size_t index, size_t *ret_length);
/* Its key is borrowed from the page. */
struct object listing_page_object(const struct listing_page *page, size_t index);
void listing_page_free(struct listing_page *page); /* takes a zeroed one */

#endif
