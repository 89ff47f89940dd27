#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_of_memory(void)
{
    static const char message[] = "restore-verifier: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);
    (void)ignored;
    _exit(2);
}

static void *present(void *pointer)
{
    if (!pointer)
        out_of_memory();
    return pointer;
}

void *xmalloc(size_t size)
{
    return present(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return present(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *pointer, size_t count, size_t size)
{
    return present(reallocarray(pointer, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *text)
{
    return present(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return present(strndup(text, length));
}

char *xvasprintf(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory();
    return text;
}

char *xasprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = xvasprintf(format, arguments);
    va_end(arguments);
    return text;
}

void free_pointer(void *pointer_to_pointer)
{
    void *pointer;
    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
}

void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void strings_take(struct strings *list, char *text)
{
    /* One place more than there are items is always there, for strings_argv's NULL. */
    list->items = xreallocarray(list->items, list->count + 2, sizeof(*list->items));
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *text)
{
    strings_take(list, xstrdup(text));
}

void strings_addf(struct strings *list, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    strings_take(list, xvasprintf(format, arguments));
    va_end(arguments);
}

bool strings_contain(const struct strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

char *strings_listed(const struct strings *list)
{
    char *words = xstrdup("");
    for (size_t i = 0; i < list->count; i++) {
        const char *between = i == 0 ? "" : i + 1 == list->count ? " and " : ", ";
        char *longer = xasprintf("%s%s%s", words, between, list->items[i]);
        free(words);
        words = longer;
    }
    return words;
}

const char *strings_first(const struct strings *list)
{
    return list->count > 0 ? list->items[0] : "";
}

void strings_free(struct strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strings){0};
}

const char *const *strings_argv(struct strings *list)
{
    static const char *const none[] = {NULL};
    return list->items ? (const char *const *)list->items : none;
}

bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}
