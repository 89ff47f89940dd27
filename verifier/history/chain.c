#include "history/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void digest(const char *one, size_t one_length, const char *other, size_t other_length,
                   char ret_sha256[SHA256_HEX_SIZE])
{
    struct sha256 *hash = sha256_new();
    sha256_update(hash, one, one_length);
    sha256_update(hash, other, other_length);
    sha256_final(hash, ret_sha256);
    sha256_free(hash);
}

void chain_begin(struct chain *chain)
{
    memset(chain->link, '0', SHA256_HEX_SIZE - 1);
    chain->link[SHA256_HEX_SIZE - 1] = '\0';
}

void chain_add(struct chain *chain, const char line_sha256[SHA256_HEX_SIZE])
{
    const struct chain before = *chain;
    digest(before.link, SHA256_HEX_SIZE - 1, line_sha256, SHA256_HEX_SIZE - 1, chain->link);
}

void history_entry_digest(const struct history_entry *entry, char ret_sha256[SHA256_HEX_SIZE])
{
    cleanup(free_pointer) char *line = history_entry_format(entry);
    digest(line, strlen(line) - 1, "", 0, ret_sha256);
}
