#include "base/backup_names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const names_of_parts[PART_COUNT] = {
    [PART_WHOLE] = "backup",      [PART_ROLES] = "roles",   [PART_GLOBALS] = "globals",
    [PART_PLATFORM] = "platform", [PART_SCHEMA] = "schema", [PART_PRE_DATA] = "pre_data",
    [PART_DUMP] = "dump",         [PART_DATA] = "data",     [PART_POST_DATA] = "post_data",
};

struct backup_names backup_names_of(const char *pattern)
{
    return (struct backup_names){.patterns = {[PART_WHOLE] = (char *)(uintptr_t)pattern}};
}

bool backup_names_are_a_set(const struct backup_names *names)
{
    return !names->patterns[PART_WHOLE];
}

size_t backup_names_count(const struct backup_names *names)
{
    size_t count = 0;
    for (size_t i = 0; i < PART_COUNT; i++)
        count += names->patterns[i] != NULL;
    return count;
}

bool backup_names_equal(const struct backup_names *one, const struct backup_names *other)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        const char *a = one->patterns[i], *b = other->patterns[i];
        if (!a != !b || (a && strcmp(a, b) != 0))
            return false;
    }
    return true;
}

void backup_names_free(struct backup_names *names)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        free(names->patterns[i]);
    *names = (struct backup_names){0};
}

enum backup_part backup_part_main(const bool has[PART_COUNT])
{
    static const enum backup_part first[] = {PART_WHOLE, PART_DUMP, PART_DATA};
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++)
        if (has[first[i]])
            return first[i];
    enum backup_part part = PART_COUNT - 1;
    while (part > PART_WHOLE && !has[part])
        part--;
    return part;
}

const char *backup_part_name(enum backup_part part)
{
    return names_of_parts[part];
}

static bool is_named(const char *name, size_t length, enum backup_part part)
{
    const char *wanted = names_of_parts[part];
    if (strlen(wanted) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] != wanted[i] && !(wanted[i] == '_' && name[i] == '-'))
            return false;
    return true;
}

enum backup_part backup_part_of_file(const char *name)
{
    static const char *const endings[] = {".sql",     ".sql.gz",   ".sql.zst", ".dump",
                                          ".dump.gz", ".dump.zst", ".backup",  ".tar",
                                          ".tar.gz",  ".tar.zst",  ".gz",      ".zst"};
    size_t length = strcspn(name, ".");
    bool known = name[length] == '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        known = known || strcmp(name + length, endings[i]) == 0;
    for (enum backup_part part = PART_ROLES; part < PART_COUNT && known; part++)
        if (is_named(name, length, part))
            return part;
    return PART_COUNT;
}

bool backup_part_is_of_server(enum backup_part part)
{
    return part == PART_ROLES || part == PART_GLOBALS;
}
