#include "report/charts.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "report/html.h"

/* In units of the drawing, which is as wide as its place allows. */
enum { LANE = 30, BAR = 10 };
enum { WIDTH = 320, HEIGHT = 110, LEFT = 8, RIGHT = 312, TOP = 22, BOTTOM = 88, BASELINE = 104 };

/* More points have no dots to hover over: what they are stands in the table. */
enum { DOTS_MOST = 60, DAY_SIZE = 16 };

static void day_of(time_t time, char text[DAY_SIZE])
{
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(text, DAY_SIZE, "%F", &parts);
}

static int64_t largest(const struct chart_point *points, size_t count)
{
    int64_t value = 1;
    for (size_t i = 0; i < count; i++)
        value = points[i].value > value ? points[i].value : value;
    return value;
}

/* The whole of it: from 0 to the largest value, from the first day to the last. */
struct scale {
    time_t first, last;
    int64_t largest;
};

static double across(const struct scale *scale, time_t time)
{
    double span = scale->last > scale->first ? (double)(scale->last - scale->first) : 1;
    return LEFT + (RIGHT - LEFT) * (double)(time - scale->first) / span;
}

static double up(const struct scale *scale, int64_t value)
{
    return BOTTOM - (BOTTOM - TOP) * (double)value / (double)scale->largest;
}

static void add_label(xmlNode *drawing, int x, int y, const char *anchor, const char *text)
{
    xmlNode *label = html_add(drawing, "text", NULL, text);
    html_setf(label, "x", "%d", x);
    html_setf(label, "y", "%d", y);
    html_set(label, "text-anchor", anchor);
}

static void add_line(xmlNode *drawing, const struct scale *scale, const struct chart_point *points,
                     size_t count)
{
    struct buffer path;
    buffer_init(&path, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&path, "%s%.1f,%.1f", i == 0 ? "" : " ", across(scale, points[i].time),
                      up(scale, points[i].value));
    xmlNode *line = html_add(drawing, "polyline", NULL, NULL);
    html_set(line, "points", path.data);
    buffer_free(&path);
}

static void add_dots(xmlNode *drawing, const struct scale *scale, const struct chart_point *points,
                     size_t count, char *(*words)(int64_t value))
{
    for (size_t i = 0; i < count && count <= DOTS_MOST; i++) {
        char day[DAY_SIZE];
        day_of(points[i].time, day);
        cleanup(free_pointer) char *value = words(points[i].value);
        cleanup(free_pointer) char *title = xasprintf("%s: %s", day, value);
        xmlNode *dot = html_add(drawing, "circle", NULL, NULL);
        html_setf(dot, "cx", "%.1f", across(scale, points[i].time));
        html_setf(dot, "cy", "%.1f", up(scale, points[i].value));
        html_set(dot, "r", "4");
        html_add(dot, "title", NULL, title);
    }
}

void chart_add(xmlNode *parent, const char *title, const struct chart_point *points, size_t count,
               char *(*words)(int64_t value))
{
    if (count < 2)
        return;
    const struct scale scale = {points[0].time, points[count - 1].time, largest(points, count)};
    char first[DAY_SIZE], last[DAY_SIZE];
    day_of(scale.first, first);
    day_of(scale.last, last);
    cleanup(free_pointer) char *most = words(scale.largest);
    cleanup(free_pointer) char *latest = words(points[count - 1].value);
    xmlNode *figure = html_add(parent, "figure", NULL, NULL);
    cleanup(free_pointer) char *caption = xasprintf("%s: %s", title, latest);
    html_add(figure, "figcaption", NULL, caption);
    xmlNode *drawing = html_add(figure, "svg", NULL, NULL);
    html_setf(drawing, "viewBox", "0 0 %d %d", WIDTH, HEIGHT);
    html_set(drawing, "role", "img");
    html_setf(drawing, "aria-label", "%s from %s to %s, at most %s, at last %s", title, first, last,
              most, latest);
    xmlNode *axis = html_add(drawing, "path", NULL, NULL);
    html_setf(axis, "d", "M%d %dH%dM%d %dH%d", LEFT, BOTTOM, RIGHT, LEFT, TOP, RIGHT);
    add_label(drawing, LEFT, TOP - 6, "start", most);
    add_label(drawing, LEFT, BASELINE, "start", first);
    add_label(drawing, RIGHT, BASELINE, "end", last);
    add_line(drawing, &scale, points, count);
    add_dots(drawing, &scale, points, count, words);
}

static void add_bar(xmlNode *drawing, const struct chart_bar *bar, double whole, int top)
{
    enum { THINNEST = 2 };
    double scale = whole > 0 ? (RIGHT - LEFT) / whole : 0;
    double width = (bar->to - bar->from) * scale;
    add_label(drawing, LEFT, top + LANE - BAR - 6, "start", bar->name);
    xmlNode *area = html_add(drawing, "rect", bar->class, NULL);
    html_setf(area, "x", "%.1f", LEFT + bar->from * scale);
    html_setf(area, "y", "%d", top + LANE - BAR - 2);
    html_setf(area, "width", "%.1f", width > THINNEST ? width : THINNEST);
    html_setf(area, "height", "%d", BAR);
    html_add(area, "title", NULL, bar->words);
}

void chart_add_bars(xmlNode *parent, const char *label, const struct chart_bar *bars, size_t count,
                    double whole, const char *end)
{
    enum { AXIS = 20 };
    int bottom = (int)count * LANE;
    xmlNode *drawing = html_add(parent, "svg", "bars", NULL);
    html_setf(drawing, "viewBox", "0 0 %d %d", WIDTH, bottom + AXIS);
    html_set(drawing, "role", "img");
    html_set(drawing, "aria-label", label);
    for (size_t i = 0; i < count; i++)
        add_bar(drawing, &bars[i], whole, (int)i * LANE);
    xmlNode *axis = html_add(drawing, "path", NULL, NULL);
    html_setf(axis, "d", "M%d %dH%d", LEFT, bottom + 2, RIGHT);
    add_label(drawing, LEFT, bottom + AXIS - 4, "start", "0 s");
    add_label(drawing, RIGHT, bottom + AXIS - 4, "end", end);
}
