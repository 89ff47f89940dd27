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

/* For a while: SIGINT, SIGTERM and SIGHUP wait, those of them that are not ignored, and nothing
 * else changes. What has arrived meanwhile takes its effect on release. */
void signals_hold(sigset_t *ret_before);
void signals_release(const sigset_t *before);
bool signals_held(void); /* has one arrived? */

/* Waits until a blocked signal arrives or the time is over. Gives SIGINT, SIGTERM or SIGHUP when
 * the user wants us to stop, 0 otherwise (a child ended, or the time is over). */
int signals_wait(int64_t timeout_ms);

#endif
