#include "base/number.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

void count_format(int64_t count, char text[COUNT_TEXT_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, count);
    size_t end = 0;
    for (int i = 0; i < length; i++) {
        text[end++] = digits[i];
        int left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-')
            text[end++] = ',';
    }
    text[end] = '\0';
}

struct count_text counted(int64_t count)
{
    struct count_text words = {""};
    count_format(count, words.text);
    return words;
}

const char *plural_of(int64_t count)
{
    return count == 1 ? "" : "s";
}
