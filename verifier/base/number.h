/* How numbers are written for people: everywhere the same. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

#define COUNT_TEXT_SIZE 32
/* "1,234,567": for people, never for programs. */
void count_format(int64_t count, char text[COUNT_TEXT_SIZE]);

struct count_text {
    char text[COUNT_TEXT_SIZE];
};
/* The same in an expression: counted(rows).text lives as long as that. */
struct count_text counted(int64_t count);

/* "s", but for one. */
const char *plural_of(int64_t count);

#endif
