#include "scenario/quantity.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "scenario/words.h"

/* MB counts in thousands and MiB in 1024s, as IEC 80000-13 has it. */
static const struct {
    const char *name;
    enum unit unit;
    long double factor;
    long double divisor; /* 0: none; so that 500ms are half a second exactly */
} units[] = {
    {"", UNIT_NONE, 1, 0},
    {"%", UNIT_PERCENT, 1, 0},
    {"ms", UNIT_DURATION, 1, 1000},
    {"s", UNIT_DURATION, 1, 0},
    {"m", UNIT_DURATION, 60, 0},
    {"h", UNIT_DURATION, 3600, 0},
    {"d", UNIT_DURATION, 86400, 0},
    {"B", UNIT_SIZE, 1, 0},
    {"kB", UNIT_SIZE, 1e3L, 0},
    {"MB", UNIT_SIZE, 1e6L, 0},
    {"GB", UNIT_SIZE, 1e9L, 0},
    {"TB", UNIT_SIZE, 1e12L, 0},
    {"KiB", UNIT_SIZE, 1024.0L, 0},
    {"MiB", UNIT_SIZE, 1048576.0L, 0},
    {"GiB", UNIT_SIZE, 1073741824.0L, 0},
    {"TiB", UNIT_SIZE, 1099511627776.0L, 0},
};

/* Longer than a century is a slip of the finger. */
static const long double LONGEST_DURATION_S = 36500.0L * 86400;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Digits and an optional fraction. Both the digits without their point and the power of ten are
 * exact, so the one division rounds as well as strtold(3) does, in any locale. */
static int decimal_parse(const char *text, long double *ret_number, size_t *ret_length)
{
    uint64_t digits = 0;
    long double scale = 1;
    size_t length = 0;
    bool fraction = false;
    while (is_digit(text[length]) || (text[length] == '.' && !fraction)) {
        if (text[length] == '.') {
            if (length == 0 || !is_digit(text[length + 1]))
                break;
            fraction = true;
        } else {
            uint64_t digit = (uint64_t)(text[length] - '0');
            if (__builtin_mul_overflow(digits, 10U, &digits) ||
                __builtin_add_overflow(digits, digit, &digits))
                return -1;
            scale *= fraction ? 10 : 1;
        }
        length++;
    }
    if (scale > 1e18L)
        return -1;
    *ret_number = (long double)digits / scale;
    *ret_length = length;
    return 0;
}

static int unit_parse(const char *text, struct quantity *quantity, size_t *ret_length,
                      char **ret_problem)
{
    size_t length = *text == '%' ? 1 : 0;
    if (length == 0)
        while (is_letter(text[length]))
            length++;
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (strlen(units[i].name) != length || strncmp(units[i].name, text, length) != 0)
            continue;
        quantity->number *= units[i].factor;
        if (units[i].divisor != 0)
            quantity->number /= units[i].divisor;
        quantity->unit = units[i].unit;
        *ret_length = length;
        return 0;
    }
    cleanup(free_pointer) char *unit = xstrndup(text, length);
    cleanup(free_pointer) char *words = shown(unit);
    *ret_problem =
        xasprintf("`%s` is no unit: durations have ms, s, m, h or d, sizes B, kB, MB, GB, "
                  "TB, KiB, MiB, GiB or TiB",
                  words);
    return -1;
}

/* What wrongly goes on after a quantity, or NULL. */
static const char *strange_tail(const char *tail)
{
    if (*tail == '_' || (*tail == ',' && is_digit(tail[1])))
        return "a number has no separators between its digits";
    if (*tail == '.' || *tail == ',')
        return "a number is written such as 5 or 0.5";
    if (is_digit(*tail) || is_letter(*tail))
        return "a number is decimal digits and one unit, such as 5, 26h or 4GiB";
    return NULL;
}

int quantity_parse(const char *text, struct quantity *ret, size_t *ret_length, char **ret_problem)
{
    struct quantity quantity = {0};
    size_t sign = *text == '-' || *text == '+' ? 1 : 0;
    size_t digits = 0;
    size_t unit = 0;
    if (!is_digit(text[sign])) {
        cleanup(free_pointer) char *words = xstrndup(text, strcspn(text, " \t\n"));
        cleanup(free_pointer) char *number = shown(words);
        *ret_problem =
            *words ? xasprintf("`%s` is no number", number) : xstrdup("a number is missing here");
        return -1;
    }
    if (decimal_parse(text + sign, &quantity.number, &digits) < 0) {
        *ret_problem = xstrdup("the number has too many digits: 64 bits are the most");
        return -1;
    }
    if (*text == '-')
        quantity.number = -quantity.number;
    if (is_letter(text[sign + digits]) || text[sign + digits] == '%') {
        if (unit_parse(text + sign + digits, &quantity, &unit, ret_problem) < 0)
            return -1;
    }
    const char *wrong = strange_tail(text + sign + digits + unit);
    if (wrong) {
        *ret_problem = xstrdup(wrong);
        return -1;
    }
    *ret = quantity;
    *ret_length = sign + digits + unit;
    return 0;
}

int duration_parse(const char *text, int64_t *ret_seconds)
{
    cleanup(free_pointer) char *problem = NULL;
    struct quantity quantity;
    size_t length;
    if (!is_digit(*text) || strchr(text, '.') || ends_with(text, "ms") ||
        quantity_parse(text, &quantity, &length, &problem) < 0 || text[length] != '\0')
        return -1;
    if (quantity.unit != UNIT_DURATION || quantity.number <= 0 ||
        quantity.number > LONGEST_DURATION_S)
        return -1;
    *ret_seconds = (int64_t)quantity.number;
    return 0;
}
