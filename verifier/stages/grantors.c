#include "stages/grantors.h"

#include <string.h>

#include "base/memory.h"
#include "stages/copy_lines.h"

static bool grantor_blank(char *line, const void *context)
{
    (void)context;
    static const char words[] = " GRANTED BY ";
    size_t length = strlen(line);
    if (!starts_with(line, "GRANT ") || !ends_with(line, ";\n"))
        return false;
    char *found = NULL, *next = line; /* the last one: roles may have any name */
    while ((next = strstr(next, words)) != NULL)
        found = next++;
    if (found)
        memset(found, ' ', (size_t)(line + length - found) - strlen(";\n"));
    return found != NULL;
}

int grantors_leave_out(const char *path, struct error *error)
{
    return copy_lines_blank(path, "\\connect ", grantor_blank, NULL, error);
}

/* CREATE TABLESPACE name OWNER owner LOCATION '/srv/space'; */
static bool location_blank(char *line, const void *context)
{
    (void)context;
    static const char words[] = " LOCATION '";
    if (!starts_with(line, "CREATE TABLESPACE ") || !ends_with(line, "';\n"))
        return false;
    char *found = NULL, *next = line; /* the last one: names may be any */
    while ((next = strstr(next, words)) != NULL)
        found = next++;
    if (!found)
        return false;
    found += strlen(words);
    *found++ = '\'';
    memset(found, ' ', strlen(found) - strlen(";\n"));
    return true;
}

int tablespaces_bring_here(const char *path, struct error *error)
{
    return copy_lines_blank(path, NULL, location_blank, NULL, error);
}
