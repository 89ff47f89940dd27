/* A thread that does something again and again until it is told to end, such as looking how far the
 * main one is.
 *
 * No signal is for it: the main thread waits for them, or ends by them.
 */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include <stdbool.h>
#include <stdint.h>

struct ticker;

/* Calls `tick` after each pause, until it gives false or ticker_stop is called.
 * NULL: no thread could be made. */
struct ticker *ticker_start(int64_t pause_ms, bool (*tick)(void *context), void *context);

/* Returns when the last call has. Takes NULL. */
void ticker_stop(struct ticker *ticker);

#endif
