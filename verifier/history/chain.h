/* A chain of digests over lines of a history: each link is the SHA-256 of the link before it and
 * the SHA-256 of a line, both as 64 small hexadecimal digits. In front of the first link stand 64
 * zeros. So the last link is another one when any line is changed, removed, added or moved. */
#ifndef HISTORY_CHAIN_H
#define HISTORY_CHAIN_H

#include "base/hash.h"
#include "history/entry.h"

struct chain {
    char link[SHA256_HEX_SIZE];
};

void chain_begin(struct chain *chain);
void chain_add(struct chain *chain, const char line_sha256[SHA256_HEX_SIZE]);

/* Of the line as it stands in the history, without its line feed. */
void history_entry_digest(const struct history_entry *entry, char ret_sha256[SHA256_HEX_SIZE]);

#endif
