/* Signals as events: no handler ever runs.
 *
 * The main process blocks them and asks for the next one between two looks at its workers. Children
 * get the default handling back (base/process does it for programs, workers call signals_default).
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD, and ignores SIGPIPE. */
void signals_block(void);

/* Default handling, nothing blocked. */
void signals_default(void);

/* Has a blocked SIGINT, SIGTERM or SIGHUP arrived? It stays, for signals_wait or to be unblocked.
 */
bool signals_pending(void);

/* Waits until a blocked signal arrives or the time is over. Gives SIGINT, SIGTERM or SIGHUP when
 * the user wants us to stop, 0 otherwise (a child ended, or the time is over). */
int signals_wait(int64_t timeout_ms);

#endif
