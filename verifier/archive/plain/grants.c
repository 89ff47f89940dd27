#include "archive/plain/grants.h"

#include <stdlib.h>
#include <string.h>

#include "archive/grants.h"
#include "archive/plain/catalog.h"
#include "base/memory.h"

enum { MOST_BYTES = 8 << 20 };

void plain_grants_statement(struct plain_grants *grants, const char *statement, bool is_cut,
                            const struct catalog_name *database)
{
    char *text = grant_statement(statement, strlen(statement));
    if (!text)
        return;
    grants->bytes += strlen(text) + sizeof(*grants->items);
    if (is_cut || grants->bytes > MOST_BYTES) {
        grants->cut = true;
        free(text);
        return;
    }
    if (grants->count == grants->capacity) {
        grants->capacity = grants->capacity ? grants->capacity * 2 : 64;
        grants->items = xreallocarray(grants->items, grants->capacity, sizeof(*grants->items));
    }
    grants->items[grants->count++] = (struct plain_grant){.text = text, .in = database};
}

void plain_grants_settle(struct plain_grants *grants)
{
    for (size_t i = 0; i < grants->count; i++)
        grants->items[i].database = grants->items[i].in->part->name;
}

void plain_grants_free(struct plain_grants *grants)
{
    for (size_t i = 0; i < grants->count; i++)
        free(grants->items[i].text);
    free(grants->items);
    *grants = (struct plain_grants){0};
}
