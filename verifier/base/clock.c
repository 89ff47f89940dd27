#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_after(int64_t timeout_ms)
{
    int64_t deadline_ms;
    if (__builtin_add_overflow(clock_ms(), timeout_ms, &deadline_ms))
        return NO_DEADLINE;
    return deadline_ms;
}

int deadline_poll_ms(int64_t deadline_ms)
{
    if (deadline_ms == NO_DEADLINE)
        return -1;
    int64_t left_ms = deadline_ms - clock_ms();
    if (left_ms <= 0)
        return 0;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static void time_format(time_t time, const char *format, char text[TIME_TEXT_SIZE])
{
    struct tm parts;
    if (!gmtime_r(&time, &parts) || strftime(text, TIME_TEXT_SIZE, format, &parts) == 0)
        snprintf(text, TIME_TEXT_SIZE, "@%" PRIdMAX, (intmax_t)time);
}

void time_format_utc(time_t time, char text[TIME_TEXT_SIZE])
{
    time_format(time, "%Y-%m-%dT%H:%M:%SZ", text);
}

void time_format_junit(time_t time, char text[TIME_TEXT_SIZE])
{
    time_format(time, "%Y-%m-%dT%H:%M:%S", text);
}

/* The zone that the process was started with, as far as TZ tells it. */
static struct {
    bool known;
    char *zone; /* NULL: TZ is not set */
} own_zone;

void time_zone_use(const char *zone)
{
    if (!own_zone.known) {
        const char *own = getenv("TZ");
        own_zone.zone = own ? xstrdup(own) : NULL;
        own_zone.known = true;
    }
    if (!zone)
        zone = own_zone.zone;
    if (zone)
        setenv("TZ", zone, 1);
    else
        unsetenv("TZ");
    tzset();
}

/* A name as tzdata has them, which leads nowhere else. */
static bool is_zone_name(const char *zone)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    return *zone && *zone != '/' && zone[strspn(zone, allowed)] == '\0';
}

bool time_zone_exists(const char *zone)
{
    const char *directory = getenv("TZDIR");
    char magic[4] = "";
    if (!is_zone_name(zone))
        return false;
    if (strcmp(zone, "UTC") == 0) /* known without any file */
        return true;
    cleanup(free_pointer) char *path =
        xasprintf("%s/%s", directory && *directory ? directory : "/usr/share/zoneinfo", zone);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_zone = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
                   memcmp(magic, "TZif", sizeof(magic)) == 0;
    fclose(file);
    return is_zone;
}

void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE])
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};

    const char *sign = duration_ms < 0 ? "-" : "";
    int64_t ms = llabs(duration_ms);
    if (ms < 60000) {
        snprintf(text, DURATION_TEXT_SIZE, "%s%.*f s", sign, ms < 10000 ? 1 : 0, (double)ms / 1000);
        return;
    }
    int64_t seconds = ms / 1000;
    for (size_t i = 0; i + 1 < sizeof(units) / sizeof(units[0]); i++) {
        int64_t whole = seconds / units[i].seconds;
        int64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        if (whole == 0)
            continue;
        if (rest == 0)
            snprintf(text, DURATION_TEXT_SIZE, "%s%" PRId64 " %s", sign, whole, units[i].name);
        else
            snprintf(text, DURATION_TEXT_SIZE, "%s%" PRId64 " %s %" PRId64 " %s", sign, whole,
                     units[i].name, rest, units[i + 1].name);
        return;
    }
}

void size_format(int64_t size_bytes, char text[SIZE_TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)size_bytes;
    size_t unit = 0;
    while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    snprintf(text, SIZE_TEXT_SIZE, "%.*f %s", unit == 0 || size >= 100 ? 0 : 1, size, units[unit]);
}
