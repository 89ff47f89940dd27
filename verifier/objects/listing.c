#include "objects/listing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/encoding.h"
#include "objects/listing_page.h"
#include "objects/ranges.h"

enum {
    PAGE_KEYS = 1000, /* the most that any store gives */
    PAGE_KEYS_LEAST = 400,
    EMPTY_LIMIT = 1000,  /* pages in a row without a key, of a store that says there are more */
    NEAR_US = 30 * 1000, /* a store that answers sooner is near, or not busy */
    NEAR_LANES = 4,
    FIRST_LANES = 15, /* of a far one, while one page is all that is known of its keys */
};

/* Pages: where less is left, a division would cost more than it wins. */
static const double WORTH_DIVIDING = 1.5;

enum version { VERSION_UNKNOWN, VERSION_1, VERSION_2 };

struct lane {
    struct listing *listing;
    bool active;
    bool seen; /* a page that was not the last: the range can be divided */
    struct listed_range range;
    char *token; /* goes on from there; NULL: after range.after */
    int empty_pages;
    int asked;      /* for so many keys at most */
    bool tried;     /* to divide the range since its last page */
    bool doubted;   /* an end that had been announced otherwise, and was asked for again */
    bool restarted; /* the last answer was the listing's first page, though not asked for */
    struct page_reader *reader;
    struct listing_page page;
    struct transfer transfer;
};

struct listing {
    struct client *client;
    const struct listing_options *options;
    char *prefix; /* the location's and ours */
    size_t prefix_length;
    size_t hidden; /* how much of it is the location's, which keys are given without */
    enum version version;
    bool echoes;         /* the store repeats in its answer where it was to start */
    bool silent;         /* and once it has not */
    int64_t quickest_us; /* of the answers: from request to first byte */
    struct lane *lanes;
    size_t active;
    size_t pages;           /* that have come */
    struct place first;     /* the first key of all */
    struct place first_end; /* and the last of its page */
    char *second;           /* the token that leads to the next one */
    bool by_token;          /* each page is asked for by the token of the one before */
};

/* ---- whether a page is what was asked for ---- */

static int contradiction(const struct lane *lane, struct error *error, const char *what)
{
    return cannot_verify(error, "%s cannot be listed: %s", lane->transfer.settings->name, what);
}

/* Stores differ in whether they encode what they repeat. */
static bool differs(const char *echo, const struct place *asked)
{
    if (!echo || (strlen(echo) == asked->length && memcmp(echo, asked->bytes, asked->length) == 0))
        return false;
    cleanup(free_pointer) char *decoded = xstrdup(echo);
    long length = percent_decode(decoded, strlen(decoded), true);
    return length < 0 || (size_t)length != asked->length ||
           memcmp(decoded, asked->bytes, asked->length) != 0;
}

/* XML keeps no control character as it is. */
static bool is_comparable(const struct place *place)
{
    for (size_t i = 0; i < place->length; i++)
        if ((unsigned char)place->bytes[i] < ' ' || place->bytes[i] == 0x7f)
            return false;
    return true;
}

/* What a page says about the request that it answers. */
static int check_echo(const struct lane *lane, const struct listing_page *page, struct error *error)
{
    const struct place *after = &lane->range.after;
    bool other_bucket = page->bucket && strcmp(page->bucket, lane->transfer.settings->bucket) != 0;
    bool other_start = false;
    /* A store that says what it answers does so always: a page that does not is not its. */
    bool silent = lane->listing->echoes && after->length > 0 && !page->start_after;
    if (lane->token)
        other_start = page->token && strcmp(page->token, lane->token) != 0;
    else
        other_start = silent || (page->token && *page->token) ||
                      (is_comparable(after) &&
                       (differs(page->start_after, after) || differs(page->marker, after)));
    if (other_bucket || other_start)
        return contradiction(lane, error, "the store answers with another page than was asked for");
    return 0;
}

static int check_order(const struct lane *lane, const struct listing_page *page,
                       struct error *error)
{
    const struct listing *listing = lane->listing;
    const char *last = lane->range.after.bytes;
    size_t last_length = lane->range.after.length;
    for (size_t i = 0; i < page->count; i++) {
        size_t length;
        const char *key = listing_page_key(page, i, &length);
        if (length < listing->prefix_length ||
            memcmp(key, listing->prefix, listing->prefix_length) != 0)
            return contradiction(lane, error, "the store lists keys of another prefix");
        if (key_compare(key, length, last, last_length) <= 0)
            return contradiction(lane, error,
                                 i == 0 ? "the store sends a page that it has sent before"
                                        : "the store lists keys out of order");
        last = key;
        last_length = length;
    }
    return 0;
}

/* The next page begins after the last key, so a token is needed only where a page has none, or
 * where the store listens to nothing else. */
static int check_way_on(const struct lane *lane, const struct listing_page *page,
                        struct error *error)
{
    if (!page->truncated || (page->count > 0 && !lane->listing->by_token))
        return 0;
    if (lane->listing->version == VERSION_1 || !page->next_token || *page->next_token == '\0')
        return contradiction(lane, error,
                             "the store says that there are more keys and not how to get them");
    if (lane->token && strcmp(lane->token, page->next_token) == 0)
        return contradiction(lane, error, "the store's way to the next page leads back");
    return 0;
}

/* A store that does not know the second version ignores what asks for it. The first page tells. */
static void find_version(struct listing *listing, const struct listing_page *page)
{
    if (listing->version == VERSION_UNKNOWN)
        listing->version =
            page->marker && page->told_count < 0 && !page->next_token ? VERSION_1 : VERSION_2;
}

static void note_echo(const struct lane *lane, const struct listing_page *page)
{
    struct listing *listing = lane->listing;
    bool has_start = !lane->token && lane->range.after.length > 0;
    listing->echoes = listing->echoes || (has_start && page->start_after);
    listing->silent = listing->silent || (has_start && !page->start_after);
}

static bool begins_like(const struct listing_page *page, const struct place *first)
{
    size_t length = 0;
    const char *key = page->count > 0 ? listing_page_key(page, 0, &length) : NULL;
    return key && key_compare(key, length, first->bytes, first->length) == 0;
}

static void begin_page(struct transfer *transfer)
{
    struct lane *lane = transfer->context;
    page_reader_free(lane->reader);
    lane->reader = page_reader_new();
}

static int receive_page(struct transfer *transfer, const char *bytes, size_t length,
                        struct error *error)
{
    (void)error;
    const struct lane *lane = transfer->context;
    page_reader_feed(lane->reader, bytes, length);
    return 0;
}

static void note_quickness(struct listing *listing, CURL *handle)
{
    curl_off_t sent = 0;
    curl_off_t answered = 0;
    curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &sent);
    curl_easy_getinfo(handle, CURLINFO_STARTTRANSFER_TIME_T, &answered);
    if (answered > sent && answered - sent < listing->quickest_us)
        listing->quickest_us = answered - sent;
}

static enum judgement judge_page(struct transfer *transfer, struct error *error)
{
    struct lane *lane = transfer->context;
    struct listing_page page = {0};
    if (page_reader_finish(lane->reader, &page, error) < 0) {
        error_prefix(error, "%s cannot be listed: ", transfer->settings->name);
        return ANSWER_AGAIN;
    }
    enum version known = lane->listing->version;
    find_version(lane->listing, &page);
    if (check_echo(lane, &page, error) < 0 || check_order(lane, &page, error) < 0 ||
        check_way_on(lane, &page, error) < 0) {
        lane->listing->version = known;
        lane->restarted = begins_like(&page, &lane->listing->first);
        listing_page_free(&page);
        return ANSWER_AGAIN;
    }
    note_echo(lane, &page);
    note_quickness(lane->listing, transfer->handle);
    listing_page_free(&lane->page);
    lane->page = page;
    return ANSWER_GOOD;
}

/* ---- lanes ---- */

/* The last page of a range would reach into the next one: no more of it is asked for than seems to
 * be left, which spares the store half of its work. */
static int keys_to_ask_for(const struct lane *lane)
{
    const struct listed_range *range = &lane->range;
    double left = range_pages_left(range) * (double)range->page_count;
    if (!lane->seen || lane->doubted || lane->asked < PAGE_KEYS ||
        !(left * 2 + PAGE_KEYS_LEAST < PAGE_KEYS))
        return PAGE_KEYS;
    return left > 0 ? (int)(left * 2) + PAGE_KEYS_LEAST : PAGE_KEYS_LEAST;
}

static void lane_request(struct lane *lane)
{
    struct listing *listing = lane->listing;
    const struct place *after = &lane->range.after;
    transfer_free(&lane->transfer);
    lane->transfer = (struct transfer){.method = "GET",
                                       .prepare = begin_page,
                                       .receive = receive_page,
                                       .judge = judge_page,
                                       .context = lane};
    struct query *query = &lane->transfer.query;
    bool first_version = listing->version == VERSION_1;
    query_add(query, "encoding-type", "url");
    lane->asked = keys_to_ask_for(lane);
    cleanup(free_pointer) char *max_keys = xasprintf("%d", lane->asked);
    query_add(query, "max-keys", max_keys);
    query_add_bytes(query, "prefix", listing->prefix, listing->prefix_length);
    if (!first_version)
        query_add(query, "list-type", "2");
    if (lane->token)
        query_add(query, "continuation-token", lane->token);
    else if (after->length > 0)
        query_add_bytes(query, first_version ? "marker" : "start-after", after->bytes,
                        after->length);
    client_start(listing->client, &lane->transfer, listing->options->deadline_ms);
}

static void lane_begin(struct lane *lane, const struct place *after, const struct place *until)
{
    struct listing *listing = lane->listing;
    lane->active = true;
    lane->seen = lane->doubted = lane->tried = lane->restarted = false;
    lane->asked = PAGE_KEYS;
    lane->empty_pages = 0;
    lane->range =
        (struct listed_range){.bounded = until != NULL, .prefix_length = listing->prefix_length};
    if (after)
        lane->range.after = *after;
    if (until)
        lane->range.until = *until;
    listing->active++;
    lane_request(lane);
}

static void lane_clear(struct lane *lane)
{
    free(lane->token);
    lane->token = NULL;
    page_reader_free(lane->reader);
    lane->reader = NULL;
    listing_page_free(&lane->page);
    transfer_free(&lane->transfer);
}

static void lane_end(struct lane *lane)
{
    lane_clear(lane);
    lane->active = false;
    lane->listing->active--;
}

static bool is_beyond(const struct listed_range *range, const struct object *object)
{
    return range->bounded && key_compare(object->key, object->key_length, range->until.bytes,
                                         range->until.length) > 0;
}

/* Hands on the keys of the page that belong to the range; `ret_beyond`: the range has ended. */
static int lane_deliver(struct lane *lane, bool *ret_beyond, struct error *error)
{
    const struct listing *listing = lane->listing;
    for (size_t i = 0; i < lane->page.count; i++) {
        struct object object = listing_page_object(&lane->page, i);
        if (is_beyond(&lane->range, &object)) {
            *ret_beyond = true;
            return 0;
        }
        object.key += listing->hidden;
        object.key_length -= listing->hidden;
        /* The marker of the folder that the location is. */
        if (object.key_length == 0)
            continue;
        if (listing->options->visit(listing->options->context, &object, error) < 0)
            return -1;
    }
    *ret_beyond = false;
    return 0;
}

static void note_first_page(struct listing *listing, const struct listing_page *page)
{
    size_t length;
    if (page->count == 0)
        return;
    const char *key = listing_page_key(page, 0, &length);
    place_set(&listing->first, key, length);
    key = listing_page_key(page, page->count - 1, &length);
    place_set(&listing->first_end, key, length);
    listing->second = page->next_token ? xstrdup(page->next_token) : NULL;
}

static int lane_advance(struct lane *lane, struct error *error)
{
    struct listing_page *page = &lane->page;
    bool beyond;
    /* The page before has said that there are more keys. They may have been deleted. */
    if (lane->seen && page->count == 0 && !page->truncated && !lane->doubted) {
        lane->doubted = true;
        lane_request(lane);
        return 0;
    }
    if (lane_deliver(lane, &beyond, error) < 0)
        return -1;
    if (beyond || !page->truncated) {
        lane_end(lane);
        return 0;
    }
    lane->empty_pages = page->count == 0 ? lane->empty_pages + 1 : 0;
    if (lane->empty_pages > EMPTY_LIMIT)
        return contradiction(lane, error,
                             "the store sends one empty page after the other and says that there "
                             "are more keys");
    /* A page that was meant to be short tells nothing of how dense keys are. */
    size_t length = 0;
    const char *last = page->count > 0 ? listing_page_key(page, page->count - 1, &length) : NULL;
    if (last && lane->asked == PAGE_KEYS)
        range_note_page(&lane->range, page);
    else if (last)
        place_set(&lane->range.after, last, length);
    lane->seen = lane->seen || page->count > 0;
    lane->tried = false;
    if (lane->listing->pages++ == 0)
        note_first_page(lane->listing, page);
    free(lane->token);
    lane->token = page->count > 0 && !lane->listing->by_token ? NULL : take(&page->next_token);
    lane_request(lane);
    return 0;
}

/* ---- division ---- */

/* The range that seems to have the most before it, but not those where nothing was found to divide
 * at: they are marked as tried. */
static struct lane *find_longest(struct listing *listing)
{
    struct lane *longest = NULL;
    double most = WORTH_DIVIDING;
    for (int i = 0; i < listing->options->lanes; i++) {
        struct lane *lane = &listing->lanes[i];
        double left =
            lane->active && lane->seen && !lane->tried ? range_pages_left(&lane->range) : 0;
        if (left >= most) {
            most = left;
            longest = lane;
        }
    }
    return longest;
}

/* Far from the store, many requests at a time hide the way to it; near to it, they only cost it
 * more work, as do divisions that are guessed from too little. */
static size_t lanes_worth(const struct listing *listing)
{
    size_t lanes = (size_t)listing->options->lanes;
    size_t worth =
        listing->quickest_us < NEAR_US ? (size_t)NEAR_LANES : FIRST_LANES + listing->pages;
    return worth < lanes ? worth : lanes;
}

/* Gives the idle lanes parts of the longest ranges. */
static void share_out(struct listing *listing)
{
    struct lane *victim;
    while (!listing->by_token && listing->active < lanes_worth(listing) &&
           (victim = find_longest(listing))) {
        size_t idle = lanes_worth(listing) - listing->active;
        cleanup(free_pointer) struct place *places = xcalloc(idle, sizeof(*places));
        size_t count = range_split(&victim->range, idle, places);
        struct lane *lane = listing->lanes;
        for (size_t i = 0; i < count; i++, lane++) {
            const struct place *until = i + 1 < count ? &places[i + 1] : NULL;
            if (!until && victim->range.bounded)
                until = &victim->range.until;
            while (lane->active)
                lane++;
            lane_begin(lane, &places[i], until);
        }
        victim->tried = true;
        if (count > 0) {
            victim->range.bounded = true;
            victim->range.until = places[0];
        }
    }
}

/* Some stores refuse what they do not know instead of ignoring it. */
static bool refuses_version_2(const struct listing *listing, const struct transfer *transfer)
{
    long status = transfer->response.status;
    return listing->version == VERSION_UNKNOWN && (status == 400 || status == 501);
}

/* Some stores ignore where a listing is to begin. Nothing but the first page has come of them then,
 * again and again. */
static bool ignores_start(const struct listing *listing, const struct lane *lane)
{
    return lane->restarted && listing->pages == 1 && listing->second && *listing->second != '\0';
}

/* From the first page on one page after the other, each still after the last key of the one before.
 */
static void go_on_by_token(struct listing *listing)
{
    client_cancel(listing->client);
    for (int i = 0; i < listing->options->lanes; i++)
        if (listing->lanes[i].active)
            lane_end(&listing->lanes[i]);
    listing->by_token = true;
    listing->lanes[0].token = take(&listing->second);
    lane_begin(&listing->lanes[0], &listing->first_end, NULL);
}

static int run(struct listing *listing, struct error *error)
{
    lane_begin(&listing->lanes[0], NULL, NULL);
    while (listing->active > 0) {
        struct transfer *transfer = NULL;
        if (client_wait(listing->client, &transfer, error) < 0) {
            struct lane *lane = transfer->context;
            if (refuses_version_2(listing, transfer)) {
                listing->version = VERSION_1;
                lane_request(lane);
            } else if (ignores_start(listing, lane)) {
                go_on_by_token(listing);
            } else {
                return -1;
            }
            continue;
        }
        if (lane_advance(transfer->context, error) < 0)
            return -1;
        share_out(listing);
    }
    if (listing->echoes && listing->silent)
        return contradiction(&listing->lanes[0], error,
                             "one of the answers was not the store's: is there a proxy or a cache "
                             "in between?");
    return 0;
}

int listing_run(struct client *client, const struct listing_options *options, struct error *error)
{
    const struct settings *settings = client_settings(client);
    struct listing listing = {.client = client,
                              .options = options,
                              .prefix = xasprintf("%s%s", settings->prefix, options->prefix),
                              .hidden = strlen(settings->prefix),
                              .quickest_us = INT64_MAX};
    listing.prefix_length = strlen(listing.prefix);
    listing.lanes = xcalloc((size_t)options->lanes, sizeof(*listing.lanes));
    for (int i = 0; i < options->lanes; i++)
        listing.lanes[i].listing = &listing;
    int failed = run(&listing, error);
    client_cancel(client);
    for (int i = 0; i < options->lanes; i++)
        lane_clear(&listing.lanes[i]);
    free(listing.lanes);
    free(listing.prefix);
    free(listing.second);
    return failed;
}
