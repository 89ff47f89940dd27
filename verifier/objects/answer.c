#include "objects/answer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "objects/xml_walk.h"

int64_t answer_time_ms(const char *text)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return -1;
    int64_t ms = 0;
    if (*rest == '.') {
        int64_t unit = 100;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ms += unit * (*rest - '0');
    }
    if (strcmp(rest, "Z") != 0)
        return -1;
    return (int64_t)timegm(&parts) * 1000 + ms;
}

static int read_unfinished(void *context, const char *path, const struct buffer *text,
                           struct error *error)
{
    (void)error;
    struct unfinished_list *list = context;
    if (list->count == 0) { /* the one being read, which its end element closes */
        list->items = xcalloc(1, sizeof(*list->items));
        list->items[list->count++].begun_ms = -1;
    }
    struct unfinished *last = &list->items[list->count - 1];
    if (strcmp(path, "Upload/Key") == 0 && !last->key) {
        last->key = xstrndup(text->data, text->length);
    } else if (strcmp(path, "Upload/UploadId") == 0 && !last->id) {
        last->id = xstrndup(text->data, text->length);
    } else if (strcmp(path, "Upload/Initiated") == 0) {
        last->begun_ms = answer_time_ms(text->data);
    } else if (strcmp(path, "Upload") == 0) {
        list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
        list->items[list->count++] = (struct unfinished){.begun_ms = -1};
    }
    return 0;
}

int unfinished_list_parse(const char *xml, size_t length, struct unfinished_list *ret_list,
                          struct error *error)
{
    struct unfinished_list list = {0};
    if (xml_walk_text(xml, length, read_unfinished, &list, error) < 0) {
        unfinished_list_free(&list);
        return -1;
    }
    *ret_list = list;
    return 0;
}

void unfinished_list_free(struct unfinished_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].id);
    }
    free(list->items);
    *list = (struct unfinished_list){0};
}

static int read_error(void *context, const char *path, const struct buffer *text,
                      struct error *error)
{
    (void)error;
    struct error_answer *answer = context;
    if (strcmp(path, "Code") == 0)
        text_copy(answer->code, sizeof(answer->code), text->data);
    else if (strcmp(path, "Message") == 0)
        text_copy(answer->message, sizeof(answer->message), text->data);
    else if (strcmp(path, "Region") == 0)
        text_copy(answer->region, sizeof(answer->region), text->data);
    return 0;
}

void error_answer_parse(const char *xml, size_t length, struct error_answer *ret_answer)
{
    struct error ignored;
    *ret_answer = (struct error_answer){0};
    xml_walk_text(xml, length, read_error, ret_answer, &ignored);
}

struct wanted {
    const char *name;
    char *text;
};

static int read_wanted(void *context, const char *path, const struct buffer *text,
                       struct error *error)
{
    (void)error;
    struct wanted *wanted = context;
    if (strcmp(path, wanted->name) == 0 && !wanted->text)
        wanted->text = xstrndup(text->data, text->length);
    return 0;
}

char *answer_text(const char *xml, size_t length, const char *name)
{
    struct error ignored;
    struct wanted wanted = {.name = name};
    if (xml_walk_text(xml, length, read_wanted, &wanted, &ignored) < 0) {
        free(wanted.text);
        return NULL;
    }
    return wanted.text;
}
