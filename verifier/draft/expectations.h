/* The sections of a scenario that say something about the data: for draft/ only. */
#ifndef DRAFT_EXPECTATIONS_H
#define DRAFT_EXPECTATIONS_H

#include "base/buffer.h"
#include "draft/draft.h"

void write_tables(const struct draft *draft, struct buffer *file);
void write_keys(const struct draft *draft, struct buffer *file);
void write_objects(const struct draft *draft, struct buffer *file);

#endif
