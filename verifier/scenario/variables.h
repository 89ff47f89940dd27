/* Environment variables inside the values of a scenario.
 *
 *     ${NAME}             the variable's value; it has to be set (an empty value is a value)
 *     ${NAME:-default}    `default` when it is unset or empty, as in a shell; ends at the first `}`
 *     $${                 a literal `${`
 *
 *     ${migration.url}    a place that is filled in later, see scenario/placeholders.h; `places`
 *                         is the section that the text is in, or NULL
 *
 * Every other `$` stays as it is, so `$$` in SQL and `$` in passwords need no care. What is put in
 * is not looked at again.
 */
#ifndef SCENARIO_VARIABLES_H
#define SCENARIO_VARIABLES_H

#include <stddef.h>

/* Told of each problem: the byte of the text at which it is, and words, borrowed. They name the
 * variable and never a value. */
typedef void variable_problem(void *context, size_t offset, const char *words);

/* Gives the text with everything replaced (to be freed), at most `limit_bytes` long. On -1 the
 * problems have been told, the first ten of them. `environment` looks a name up: getenv, or a
 * test's own. */
int variables_replace(const char *text, size_t limit_bytes, const char *places,
                      char *(*environment)(const char *name), char **ret_text,
                      variable_problem *tell, void *context);

#endif
