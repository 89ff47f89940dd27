#include "archive/arena.h"

#include <stdlib.h>

#include "base/memory.h"

#define ARENA_BLOCK_BYTES (64 * 1024)

struct arena_block {
    struct arena_block *previous;
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    size_t left;
    struct arena_block *last;
};

struct arena *arena_new(size_t limit_bytes)
{
    struct arena *arena = xcalloc(1, sizeof(*arena));
    arena->left = limit_bytes;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct arena_block *block = arena->last; block;) {
        struct arena_block *previous = block->previous;
        free(block);
        block = previous;
    }
    free(arena);
}

int arena_count(struct arena *arena, size_t size)
{
    if (size > arena->left)
        return -1;
    arena->left -= size;
    return 0;
}

/* A large piece gets a block of its own behind the last one, which stays in use. */
static struct arena_block *block_add(struct arena *arena, size_t size)
{
    struct arena_block *block = xmalloc(sizeof(*block) + size);
    *block = (struct arena_block){.size = size};
    if (size > ARENA_BLOCK_BYTES && arena->last) {
        block->previous = arena->last->previous;
        arena->last->previous = block;
    } else {
        block->previous = arena->last;
        arena->last = block;
    }
    return block;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > arena->left)
        return NULL;
    size_t rounded = (size + sizeof(int) - 1) / sizeof(int) * sizeof(int);
    arena->left = rounded > arena->left ? 0 : arena->left - rounded;
    struct arena_block *block = arena->last;
    if (!block || block->size - block->used < rounded)
        block = block_add(arena, rounded > ARENA_BLOCK_BYTES ? rounded : ARENA_BLOCK_BYTES);
    void *piece = block->bytes + block->used;
    block->used += rounded;
    return piece;
}
