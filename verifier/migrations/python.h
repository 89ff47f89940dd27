/* Constants of a Python file, read without running it.
 *
 * Understands as much of Python's lexical structure (The Python Language Reference, 2) as is needed
 * to know what is a statement at the left margin: comments, strings of all kinds, brackets, joined
 * lines.
 */
#ifndef MIGRATIONS_PYTHON_H
#define MIGRATIONS_PYTHON_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

/* For each of `names`: the strings that are assigned to it at the left margin, by `NAME = VALUE` or
 * `NAME: ANNOTATION = VALUE`. VALUE is None (no string), a string, or strings in brackets. What is
 * assigned last counts. `ret_values` has `count` zeroed places; they are to be freed in any case.
 *
 * cannot_verify: a string or bracket does not end; one of the names gets another kind of value, or
 * gets one in another way: under an `if`, together with other names, by an import. What functions
 * and classes assign is theirs. */
int python_constants(const char *text, size_t length, const char *const *names, size_t count,
                     struct strings *ret_values, struct error *error);

/* The first line of the file's docstring, to be freed by the caller; "" when it has none. */
char *python_title(const char *text, size_t length);

#endif
