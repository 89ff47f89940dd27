/* Leaving a forked process: without atexit handlers and buffered output that belong to its parent.
 */
#ifndef BASE_EXIT_H
#define BASE_EXIT_H

/* _exit, after writing the coverage figures where this is a build that counts them. */
void exit_now(int code) __attribute__((noreturn));

#endif
