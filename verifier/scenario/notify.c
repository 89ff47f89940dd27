/* The section `notify`: who is told what a run came to. */
#include <stdlib.h>
#include <string.h>

#include "base/web_url.h"
#include "scenario/sections.h"

/* Never shown: such a URL is often a secret as a whole. */
void read_notify_url(struct reader *reader, const struct key *key, const struct node *value,
                     void *field)
{
    const char *text = line_text(reader, key, value, "an https:// URL");
    if (!text)
        return;
    const char *problem = web_url_problem(text);
    if (problem)
        problems_add(&reader->problems, value->mark,
                     "`%s` expects an https:// or http:// URL with a host, and it %s; the value is "
                     "not shown, it may hold a token",
                     key->name, problem);
    else
        *(char **)field = xstrdup(text);
}

void read_notify_format(struct reader *reader, const struct key *key, const struct node *value,
                        void *field)
{
    static const char *const names[] = {
        [NOTIFY_PING] = "ping", [NOTIFY_SLACK] = "slack", [NOTIFY_JSON] = "json"};
    struct notify_wanted *notify = field;
    const char *text = line_text(reader, key, value, "ping, slack or json");
    for (size_t i = 0; text && i < ARRAY_LENGTH(names); i++)
        if (strcmp(text, names[i]) == 0) {
            notify->format = (enum notify_format)i;
            notify->format_given = true;
            return;
        }
    if (!text)
        return;
    cleanup(free_pointer) char *words = value_shown(value);
    problems_add(&reader->problems, value->mark, "`%s` is ping, slack or json, not %s", key->name,
                 words);
}

#define FIELD(member) offsetof(struct notify_wanted, member)

static const struct key keys[] = {
    {"success", read_notify_url, FIELD(success), NO_MARK, false},
    {"failure", read_notify_url, FIELD(failure), NO_MARK, false},
    {"format", read_notify_format, 0, NO_MARK, false},
    {"command", read_command, FIELD(command), NO_MARK, false},
    {"environment", read_environment, FIELD(environment), NO_MARK, false},
    {"timeout", read_duration_ms, FIELD(timeout_ms), NO_MARK, false},
};

void read_notify(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    struct notify_wanted *notify = field;
    notify->present = true;
    read_section(reader, key->name, keys, ARRAY_LENGTH(keys), value, notify);
}

void check_notify(struct problems *problems, const struct scenario *scenario)
{
    const struct notify_wanted *notify = &scenario->notify;
    bool url = notify->success || notify->failure;
    if (!notify->present)
        return;
    if (!url && notify->command.count == 0)
        problems_add(problems, notify->mark,
                     "`notify` tells nobody: it needs `success`, `failure` or `command`");
    else if (notify->format_given && !url)
        problems_add(problems, notify->mark,
                     "`format` is that of the URLs `success` and `failure`, and there is none: a "
                     "command always gets JSON");
    if (notify->environment.count > 0 && notify->command.count == 0)
        problems_add(problems, notify->mark,
                     "`environment` is that of `command`, and there is none");
}

void notify_wanted_free(struct notify_wanted *notify)
{
    free(notify->success);
    free(notify->failure);
    strings_free(&notify->command);
    strings_free(&notify->environment);
}
