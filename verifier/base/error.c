#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void text_copy(char *destination, unsigned long size, const char *text)
{
    size_t length = strlen(text);
    if (length < size) {
        memmove(destination, text, length + 1);
        return;
    }
    size_t keep = size - sizeof("...");
    while (keep > 0 && ((unsigned char)text[keep] & 0xC0U) == 0x80U)
        keep--; /* a continuation byte: its character does not fit whole */
    memmove(destination, text, keep);
    memcpy(destination + keep, "...", sizeof("..."));
}

static int error_fill(struct error *error, enum fault fault, const char *format, va_list arguments)
{
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    error->fault = fault;
    text_copy(error->text, sizeof(error->text), text);
    return -1;
}

int cannot_verify(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_fill(error, FAULT_MACHINE, format, arguments);
    va_end(arguments);
    return -1;
}

int bad_backup(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_fill(error, FAULT_BACKUP, format, arguments);
    va_end(arguments);
    return -1;
}

int error_prefix(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *prefix = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(free_pointer) char *whole = xasprintf("%s%s", prefix, error->text);
    text_copy(error->text, sizeof(error->text), whole);
    return -1;
}
