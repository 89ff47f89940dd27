/* Statements that somebody appended to a dump. They run after every row is there, so that they may
 * do anything to it: what they did is for the comparison with the restored tables to show. */
#include <string.h>

#include "archive/plain/statement.h"
#include "base/memory.h"

/* Neither these nor what they call change a row of a table. */
static const char *const neutral[] = {"grant",  "revoke", "comment", "security", "analyze",
                                      "vacuum", "set",    "reindex", "refresh",  "cluster",
                                      "lock",   "reset",  "begin",   "start",    "commit"};

/* These tell how the text behind them is to be read. */
static const char *const decisive[] = {"copy", "set", "select", "reset"};

static bool is_neutral(const struct statements *statements, const struct words *verb)
{
    if (word_is(verb, "create"))
        return !statements->filled; /* CREATE TABLE ... AS */
    return word_is_one_of(verb, neutral, ARRAY_LENGTH(neutral));
}

int statements_read_appended(struct statements *statements, bool *ret_changes_rows,
                             struct error *error)
{
    const struct buffer *head = &statements->lexer->head;
    struct words verb;
    words_init(&verb, head->data, head->length, statements->lexer->standard_strings);
    words_next(&verb);
    *ret_changes_rows = !is_neutral(statements, &verb);
    if (statements_read(statements, error) == 0)
        return 0;
    *ret_changes_rows = true;
    return word_is_one_of(&verb, decisive, ARRAY_LENGTH(decisive)) ? -1 : 0;
}
