/* Numbers, durations and sizes as scenarios write them: `-5`, `0.5`, `26h`, `4GiB`.
 *
 * Decimal digits only, with at most one sign and one point: no exponent, no hexadecimal, no
 * infinity, no separators between digits. Units follow the digits at once.
 */
#ifndef SCENARIO_QUANTITY_H
#define SCENARIO_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

enum unit { UNIT_NONE, UNIT_PERCENT, UNIT_DURATION, UNIT_SIZE };

/* A number in seconds, bytes or percent where it has such a unit. */
struct quantity {
    long double number; /* exact for integers that fit 64 bits */
    enum unit unit;
};

/* Parses what begins at `text`; `ret_length` is how many bytes belong to it. On -1 `ret_problem`
 * says what is wrong (to be freed by the caller). */
int quantity_parse(const char *text, struct quantity *ret, size_t *ret_length, char **ret_problem);

/* A whole positive number of seconds, minutes, hours or days: `90s 30m 26h 30d`; a century at most.
 */
int duration_parse(const char *text, int64_t *ret_seconds);

#endif
