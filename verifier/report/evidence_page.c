/* Evidence as a page. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "report/evidence.h"
#include "report/evidence_words.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/page_style.h"

/* Open, so that it is there on paper; it can be scrolled by keys. */
static xmlNode *add_table(xmlNode *parent, const char *label, const char *const *heads,
                          size_t count)
{
    xmlNode *wide = html_add(parent, "div", "wide", NULL);
    html_set(wide, "tabindex", "0");
    html_set(wide, "role", "region");
    html_set(wide, "aria-label", label);
    xmlNode *table = html_add(wide, "table", NULL, NULL);
    xmlNode *head = html_add(html_add(table, "thead", NULL, NULL), "tr", NULL, NULL);
    for (size_t i = 0; i < count; i++)
        html_set(html_add(head, "th", NULL, heads[i]), "scope", "col");
    return html_add(table, "tbody", NULL, NULL);
}

static void add_number(xmlNode *row, int64_t number)
{
    cleanup(free_pointer) char *words = count_words(number);
    html_add(row, "td", "number", words);
}

static void add_fact(xmlNode *list, const char *name, const char *value)
{
    html_add(list, "dt", NULL, name);
    html_add(list, "dd", NULL, value);
}

static void add_list(xmlNode *parent, const char *title, const char *const *items)
{
    html_add(parent, "h3", NULL, title);
    xmlNode *list = html_add(parent, "ul", NULL, NULL);
    for (; *items; items++)
        html_add(list, "li", NULL, *items);
}

/* --- what stands above all -------------------------------------------------------------------- */

static void add_header(xmlNode *body, const struct evidence *evidence, const char *json_name,
                       const char *json_sha256)
{
    char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
    day_format(evidence->period.from, from);
    day_format(evidence->period.to - 1, to);
    cleanup(free_pointer) char *days =
        xasprintf("%s to %s%s; nights are days in UTC", from, to,
                  evidence->made < evidence->period.to ? ", of which this is what was so far" : "");
    cleanup(free_pointer) char *made = moment_words(evidence->made);
    cleanup(free_pointer) char *signer =
        evidence->key_name ? xasprintf("with Ed25519, in %s.sig; SHA-256 of the public key %s",
                                       json_name, evidence->key_name)
                           : xstrdup("not signed");
    xmlNode *header = html_add(body, "header", NULL, NULL);
    cleanup(free_pointer) char *title =
        xasprintf("Evidence of restore tests, %s", evidence->period.name);
    html_add(header, "h1", NULL, title);
    xmlNode *list = html_add(header, "dl", NULL, NULL);
    add_fact(list, "Period", days);
    add_fact(list, "Made", made);
    add_fact(list, "By", "restore-verifier " PROGRAM_VERSION);
    add_fact(list, "Whole document", json_name);
    add_fact(list, "Its SHA-256", json_sha256);
    add_fact(list, "Signed", signer);
}

static const char *class_of(const struct evidence_scenario *scenario)
{
    if (scenario->told->problem || scenario->told->alarm)
        return "doubt";
    return scenario->verified == scenario->nights && scenario->nights > 0 ? "good"
           : scenario->red > 0                                            ? "bad"
                                                                          : "doubt";
}

static void add_overview(xmlNode *main, const struct evidence *evidence)
{
    static const char *const heads[] = {"Scenario", "Nights",         "Verified",
                                        "Red",      "Could not look", "Missing"};
    xmlNode *rows = add_table(main, "All scenarios", heads, ARRAY_LENGTH(heads));
    for (size_t i = 0; i < evidence->count; i++) {
        const struct evidence_scenario *scenario = &evidence->scenarios[i];
        xmlNode *row = html_add(rows, "tr", NULL, NULL);
        xmlNode *link = html_add(html_add(row, "td", NULL, NULL), "a", NULL, scenario->told->name);
        html_setf(link, "href", "#s%zu", i);
        add_number(row, scenario->nights);
        add_number(row, scenario->verified);
        add_number(row, scenario->red);
        add_number(row, scenario->unseen);
        add_number(row, scenario->missing);
    }
}

/* --- one scenario ----------------------------------------------------------------------------- */

static void add_gaps(xmlNode *section, const struct evidence_scenario *scenario)
{
    html_add(section, "h3", NULL, "Nights without a verification");
    if (scenario->gap_count == 0) {
        html_add(section, "p", NULL, "None.");
        return;
    }
    xmlNode *list = html_add(section, "ul", NULL, NULL);
    for (size_t i = 0; i < scenario->gap_count; i++) {
        const struct gap *gap = &scenario->gaps[i];
        char first[DAY_TEXT_SIZE], last[DAY_TEXT_SIZE];
        day_format(gap->first, first);
        day_format(gap->last, last);
        cleanup(free_pointer) char *words =
            xasprintf("%s%s%s%s", first, gap->first == gap->last ? "" : " to ",
                      gap->first == gap->last ? "" : last,
                      gap->before_first_run ? " (before the first run that is on record)" : "");
        html_add(list, "li", NULL, words);
    }
}

static void add_episode(xmlNode *rows, const struct episode *episode)
{
    cleanup(free_pointer) char *from = moment_words(episode->first->began);
    cleanup(free_pointer) char *green =
        episode->green ? moment_words(episode->green->began) : xstrdup("not yet");
    bool same = strcmp(episode->first->headline, episode->last->headline) == 0;
    cleanup(free_pointer) char *words =
        xasprintf("%s%s%s", episode->first->headline,
                  same ? "" : "; at last: ", same ? "" : episode->last->headline);
    xmlNode *row = html_add(rows, "tr", NULL, NULL);
    html_add(row, "td", "number", from);
    html_add(row, "td", episode->red ? "bad" : "doubt", episode->red ? "red" : "could not look");
    add_number(row, (int64_t)episode->runs);
    html_add(row, "td", "text", words);
    html_add(row, "td", "number", green);
}

static void add_episodes(xmlNode *section, const struct evidence_scenario *scenario)
{
    static const char *const heads[] = {"From", "Verdict", "Runs", "What was the matter",
                                        "Green again"};
    html_add(section, "h3", NULL, "What failed");
    if (scenario->episode_count == 0) {
        html_add(section, "p", NULL, scenario->end > scenario->first ? "Nothing." : "No run.");
        return;
    }
    cleanup(free_pointer) char *label = xasprintf("%s: what failed", scenario->told->name);
    xmlNode *rows = add_table(section, label, heads, ARRAY_LENGTH(heads));
    for (size_t i = 0; i < scenario->episode_count; i++)
        add_episode(rows, &scenario->episodes[i]);
}

/* "15 TABLE, 24 INDEX" */
static char *schema_of(const struct history_entry *entry)
{
    struct strings kinds = {0};
    for (size_t i = 0; i < entry->schema.count; i++)
        strings_addf(&kinds, "%" PRId64 " %s", entry->schema.items[i].count,
                     entry->schema.items[i].kind);
    char *words = kinds.count > 0 ? strings_listed(&kinds) : xstrdup("");
    strings_free(&kinds);
    return words;
}

static char *checks_of(const struct history_entry *entry)
{
    struct strings counts = {0};
    const struct {
        int64_t count;
        const char *words;
    } all[] = {{entry->passed, "passed"},
               {entry->warnings, "of them with a warning"},
               {entry->failed, "failed"},
               {entry->errors, "could not look"},
               {entry->skipped, "skipped"}};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
        if (all[i].count > 0)
            strings_addf(&counts, "%" PRId64 " %s", all[i].count, all[i].words);
    char *words = counts.count > 0 ? strings_listed(&counts) : xstrdup("none");
    strings_free(&counts);
    return words;
}

static char *rows_of(const struct history_entry *entry)
{
    cleanup(free_pointer) char *rows = count_words(rows_in_all(entry));
    cleanup(free_pointer) char *tables =
        count_words((int64_t)entry->tables.count + entry->tables_left_out);
    return entry->tables.count > 0
               ? xasprintf("%s in %s tables%s", rows, tables,
                           entry->contents_compared ? ", compared value for value" : "")
               : xstrdup("");
}

static void add_run(xmlNode *rows, const struct history_entry *entry)
{
    static const struct {
        const char *words, *class;
    } verdicts[] = {{"passed", NULL}, {"red", "bad"}, {"could not look", "doubt"}};
    size_t verdict = entry->exit_code < 2 ? (size_t)entry->exit_code : 2;
    const int64_t *restore = named_numbers_find(&entry->stages, "restore");
    cleanup(free_pointer) char *when = moment_words(entry->began);
    cleanup(free_pointer) char *made = moment_words(entry->backup_time);
    cleanup(free_pointer) char *size = size_words(entry->backup_size_bytes);
    cleanup(free_pointer) char *took = restore ? duration_words(*restore) : xstrdup("");
    cleanup(free_pointer) char *counted = rows_of(entry);
    cleanup(free_pointer) char *schema = schema_of(entry);
    cleanup(free_pointer) char *checks = checks_of(entry);
    cleanup(free_pointer) char *backup =
        *entry->backup ? xasprintf("%s, made %s, %s%s%s%s", entry->backup, made, size,
                                   *entry->sha256 ? ", SHA-256 " : "", entry->sha256,
                                   entry->given ? "; named by hand" : "")
                       : xstrdup("none");
    xmlNode *row = html_add(rows, "tr", NULL, NULL);
    html_add(row, "td", "number", when);
    html_add(row, "td", NULL, entry->command);
    html_add(row, "td", verdicts[verdict].class, verdicts[verdict].words);
    html_add(row, "td", "text", checks);
    html_add(row, "td", "text", backup);
    html_add(row, "td", "number", took);
    html_add(row, "td", "text", counted);
    html_add(row, "td", "text", schema);
}

static void add_runs(xmlNode *section, const struct evidence_scenario *scenario)
{
    static const char *const heads[] = {"When",   "What",    "Verdict", "Checks",
                                        "Backup", "Restore", "Rows",    "Schema"};
    if (scenario->end == scenario->first)
        return;
    cleanup(free_pointer) char *label = xasprintf("%s: runs", scenario->told->name);
    html_add(section, "h3", NULL, "Runs");
    xmlNode *rows = add_table(section, label, heads, ARRAY_LENGTH(heads));
    for (size_t i = scenario->first; i < scenario->end; i++)
        add_run(rows, &scenario->told->entries->items[i]);
}

static void add_line(xmlNode *list, const char *name, const struct history_entry *entry)
{
    char sha256[SHA256_HEX_SIZE];
    history_entry_digest(entry, sha256);
    cleanup(free_pointer) char *when = moment_words(entry->began);
    cleanup(free_pointer) char *words = xasprintf("%s, %s, SHA-256 %s", entry->id, when, sha256);
    add_fact(list, name, words);
}

static void add_chain(xmlNode *section, const struct evidence_scenario *scenario)
{
    const struct history_entry *entries = scenario->told->entries->items;
    xmlNode *list = html_add(section, "dl", NULL, NULL);
    cleanup(free_pointer) char *programs = strings_listed(&scenario->programs);
    cleanup(free_pointer) char *servers = strings_listed(&scenario->servers);
    cleanup(free_pointer) char *lines = count_words((int64_t)(scenario->end - scenario->first));
    if (scenario->programs.count > 0)
        add_fact(list, "Verified by", programs);
    if (scenario->servers.count > 0)
        add_fact(list, "Restored into PostgreSQL", servers);
    add_fact(list, "History", scenario->told->path);
    add_fact(list, "Lines in the chain", lines);
    if (scenario->first > 0)
        add_line(list, "The line before them", &entries[scenario->first - 1]);
    if (scenario->end > scenario->first) {
        add_line(list, "Head", &entries[scenario->first]);
        add_line(list, "Last line", &entries[scenario->end - 1]);
    }
    add_fact(list, "Tail", scenario->tail.link);
}

/* What the reader must know before believing the rest. */
static void add_doubts(xmlNode *section, const struct evidence_scenario *scenario)
{
    const struct page_scenario *told = scenario->told;
    if (told->alarm)
        html_add(section, "p", "doubt", told->alarm);
    if (told->problem)
        html_add(section, "p", "doubt", told->problem);
    if (told->entries->torn)
        html_add(section, "p", "doubt",
                 "The last line of the history is damaged: what it said is not known.");
    if (told->entries->newer > 0)
        html_add(section, "p", "doubt",
                 "The history has lines of a newer version of the program, which are not in this "
                 "document.");
}

static void add_scenario(xmlNode *main, const struct evidence_scenario *scenario, size_t index)
{
    xmlNode *section = html_add(main, "section", NULL, NULL);
    html_setf(section, "id", "s%zu", index);
    xmlNode *title = html_add(section, "h2", NULL, NULL);
    cleanup(free_pointer) char *class = xasprintf("badge %s", class_of(scenario));
    cleanup(free_pointer) char *words =
        xasprintf("%" PRId64 " of %" PRId64 " night%s verified", scenario->verified,
                  scenario->nights, scenario->nights == 1 ? "" : "s");
    html_add(title, "span", class, words);
    html_text(title, scenario->told->name);
    add_doubts(section, scenario);
    add_episodes(section, scenario);
    add_gaps(section, scenario);
    add_runs(section, scenario);
    add_chain(section, scenario);
}

/* --- about ------------------------------------------------------------------------------------ */

static void add_about(xmlNode *main)
{
    static const char *const heads[] = {"Control", "It asks for", "Shown here", "Not shown here"};
    xmlNode *section = html_add(main, "section", NULL, NULL);
    html_add(section, "h2", NULL, "What this document shows, and what it does not");
    add_list(section, "It shows", evidence_shows);
    add_list(section, "It does not show", evidence_does_not_show);
    html_add(section, "h3", NULL, "Controls that ask for such evidence");
    xmlNode *rows = add_table(section, "Controls", heads, ARRAY_LENGTH(heads));
    for (const struct control *control = evidence_controls; control->name; control++) {
        xmlNode *row = html_add(rows, "tr", NULL, NULL);
        html_add(row, "td", "text", control->name);
        html_add(row, "td", "text", control->asks);
        html_add(row, "td", "text", control->shown);
        html_add(row, "td", "text", control->not_shown);
    }
    html_add(section, "h3", NULL, "The chain");
    html_add(section, "p", NULL, evidence_chain_rule);
    add_list(section, "The chain proves", evidence_chain_proves);
    add_list(section, "It does not prove", evidence_chain_does_not_prove);
}

int evidence_page_write(const struct evidence *evidence, const char *json_name,
                        const char *json_sha256, const char *path, struct error *error)
{
    cleanup(free_pointer) char *title =
        xasprintf("Evidence of restore tests, %s", evidence->period.name);
    xmlNode *body;
    xmlDoc *page = html_new(title, page_style, &body);
    add_header(body, evidence, json_name, json_sha256);
    xmlNode *main = html_add(body, "main", NULL, NULL);
    add_overview(main, evidence);
    for (size_t i = 0; i < evidence->count; i++)
        add_scenario(main, &evidence->scenarios[i], i);
    add_about(main);
    int outcome = html_write(page, path, error);
    html_free(page);
    return outcome;
}
