/* What went wrong, and whose fault it is.
 *
 * Every function that can fail returns 0 or -1 and fills the `struct error *` that is its last
 * parameter; on success the error is left alone. The two kinds of failure are different in the
 * type, because the user's next step is: a bad backup needs a new backup, a machine that could not
 * look needs a hand. Nothing is allocated, so an error may live on the stack or in shared memory.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum fault {
    FAULT_MACHINE = 1, /* could not verify: no tool, no network, no space, bad configuration */
    FAULT_BACKUP,      /* looked, and the backup (or the data in it) is bad */
};

struct error {
    enum fault fault;
    char
        text[2048]; /* what happened, to what, what to do now; cut at a character's end if longer */
};

/* Both fill `error` and return -1, so that a caller can write `return cannot_verify(error, ...)`.
 */
int cannot_verify(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int bad_backup(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts words in front of the text, keeping the fault: `error_prefix(e, "%s: ", path)`. Returns -1.
 */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Cuts `text` to at most `size - 1` bytes without splitting a UTF-8 character, ending it with "..."
 * when something was lost. */
void text_copy(char *destination, unsigned long size, const char *text);

#endif
