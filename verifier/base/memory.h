/* Memory that is there, and resources that clean up after themselves.
 *
 * The x functions never return NULL: when memory is gone the process ends with a message and exit
 * code 2. In a check or a worker that death is seen from outside and becomes an error verdict,
 * never a pass. Sizes that come from archives, buckets or children are capped by their readers
 * before they get here.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* What they do, for functions of others that return NULL when memory is gone. */
void out_of_memory(void) __attribute__((noreturn));

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *pointer, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* `cleanup(free_pointer) char *s = ...;` runs free_pointer(&s) when s leaves its scope. */
#define cleanup(function) __attribute__((cleanup(function)))
void free_pointer(void *pointer_to_pointer);
void close_descriptor(int *descriptor); /* if not negative; leaves -1, so twice is no harm */

/* Hands a resource to the caller, leaving nothing for its cleanup: `*ret_x = take(&x);` */
#define take(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(*(pointer)) taken_ = *(pointer);                                                \
        *(pointer) = NULL;                                                                         \
        taken_;                                                                                    \
    })

/* A growing list of strings that it owns; all zero is an empty list. */
struct strings {
    char **items;
    size_t count;
};
void strings_add(struct strings *list, const char *text);
void strings_addf(struct strings *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool strings_contain(const struct strings *list, const char *text);
char *strings_listed(const struct strings *list);      /* "a, b and c"; freed by the caller */
const char *strings_first(const struct strings *list); /* borrowed; "" when there is none */
void strings_free(struct strings *list);
/* The items of `list` followed by a NULL, as argv wants them: borrowed from the list. */
const char *const *strings_argv(struct strings *list);

bool starts_with(const char *text, const char *prefix);
bool ends_with(const char *text, const char *suffix);

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
