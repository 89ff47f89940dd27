/* Evidence as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/evidence.h"
#include "report/evidence_words.h"
#include "report/json_fields.h"
#include "report/page_parts.h"
#include "shelf/document.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (*text)
        json_set_text(object, key, text, SIZE_MAX);
}

static void set_number(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

static json_t *day(time_t time)
{
    char text[DAY_TEXT_SIZE];
    day_format(time, text);
    return json_string(text);
}

static json_t *texts(const char *const *items)
{
    json_t *list = json_array();
    for (; *items; items++)
        json_array_append_new(list, json_string(*items));
    return list;
}

static json_t *strings_json(const struct strings *strings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(list, json_string(strings->items[i]));
    return list;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void add_checks(json_t *run, const struct history_entry *entry)
{
    json_t *checks = json_object();
    set_number(checks, "all", entry->checks);
    set_number(checks, "passed", entry->passed);
    set_number(checks, "warnings", entry->warnings);
    set_number(checks, "failed", entry->failed);
    set_number(checks, "errors", entry->errors);
    set_number(checks, "skipped", entry->skipped);
    json_object_set_new(run, "checks", checks);
}

static void add_backup(json_t *run, const struct history_entry *entry)
{
    if (*entry->backup == '\0')
        return;
    json_t *backup = json_object();
    set_text(backup, "name", entry->backup);
    json_set_time(backup, "time", entry->backup_time);
    set_number(backup, "size_bytes", entry->backup_size_bytes);
    set_text(backup, "sha256", entry->sha256);
    json_object_set_new(backup, "named_by_hand", json_boolean(entry->given));
    json_object_set_new(run, "backup", backup);
}

/* As the history's line has it. */
static void add_findings(json_t *run, const struct history_entry *entry)
{
    static const char *const keys[] = {"tables",         "tables_left_out", "contents_compared",
                                       "version_tables", "schema",          "objects",
                                       "stages"};
    json_t *line = entry->line ? json_loads(entry->line, 0, NULL) : NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        json_t *value = json_object_get(line, keys[i]);
        if (json_object_size(value) > 0 || json_integer_value(value) > 0 || json_is_true(value))
            json_object_set(run, keys[i], value);
    }
    json_decref(line);
    if (entry->tables.count > 0)
        set_number(run, "rows", rows_in_all(entry));
}

static json_t *run_json(const struct history_entry *entry)
{
    static const char *const verdicts[] = {"passed", "red", "could not look"};
    char sha256[SHA256_HEX_SIZE];
    json_t *run = json_object();
    history_entry_digest(entry, sha256);
    set_text(run, "id", entry->id);
    set_text(run, "line_sha256", sha256);
    set_text(run, "command", entry->command);
    json_set_time(run, "began", entry->began);
    json_object_set_new(run, "seconds", json_real((double)entry->duration_ms / 1000));
    set_text(run, "verdict", verdicts[entry->exit_code < 2 ? entry->exit_code : 2]);
    set_number(run, "exit_code", entry->exit_code);
    set_text(run, "headline", entry->headline);
    set_text(run, "program", entry->program);
    set_text(run, "server", entry->server);
    add_checks(run, entry);
    add_backup(run, entry);
    add_findings(run, entry);
    return run;
}

/* --- a scenario ------------------------------------------------------------------------------- */

static json_t *gaps_json(const struct evidence_scenario *scenario)
{
    json_t *gaps = json_array();
    for (size_t i = 0; i < scenario->gap_count; i++) {
        json_t *gap = json_object();
        json_object_set_new(gap, "from", day(scenario->gaps[i].first));
        json_object_set_new(gap, "to", day(scenario->gaps[i].last));
        json_object_set_new(gap, "before_first_run",
                            json_boolean(scenario->gaps[i].before_first_run));
        json_array_append_new(gaps, gap);
    }
    return gaps;
}

static json_t *episodes_json(const struct evidence_scenario *scenario)
{
    json_t *episodes = json_array();
    for (size_t i = 0; i < scenario->episode_count; i++) {
        const struct episode *episode = &scenario->episodes[i];
        json_t *object = json_object();
        json_set_time(object, "from", episode->first->began);
        json_set_time(object, "last", episode->last->began);
        set_number(object, "runs", (int64_t)episode->runs);
        set_text(object, "kind", episode->red ? "red" : "could not look");
        set_text(object, "headline", episode->first->headline);
        set_text(object, "last_headline", episode->last->headline);
        json_object_set_new(object, "green_again", json_null());
        if (episode->green)
            json_set_time(object, "green_again", episode->green->began);
        json_array_append_new(episodes, object);
    }
    return episodes;
}

static json_t *line_json(const struct history_entry *entry)
{
    char sha256[SHA256_HEX_SIZE];
    json_t *line = json_object();
    history_entry_digest(entry, sha256);
    set_text(line, "id", entry->id);
    json_set_time(line, "began", entry->began);
    set_text(line, "sha256", sha256);
    return line;
}

static json_t *chain_json(const struct evidence_scenario *scenario)
{
    const struct history_entry *entries = scenario->told->entries->items;
    bool some = scenario->end > scenario->first;
    json_t *chain = json_object();
    set_number(chain, "lines", (int64_t)(scenario->end - scenario->first));
    json_object_set_new(chain, "previous",
                        scenario->first > 0 ? line_json(&entries[scenario->first - 1])
                                            : json_null());
    json_object_set_new(chain, "head", some ? line_json(&entries[scenario->first]) : json_null());
    json_object_set_new(chain, "last", some ? line_json(&entries[scenario->end - 1]) : json_null());
    set_text(chain, "tail", scenario->tail.link);
    return chain;
}

static json_t *nights_json(const struct evidence_scenario *scenario)
{
    json_t *nights = json_object();
    set_number(nights, "all", scenario->nights);
    set_number(nights, "verified", scenario->verified);
    set_number(nights, "red", scenario->red);
    set_number(nights, "could_not_look", scenario->unseen);
    set_number(nights, "missing", scenario->missing);
    return nights;
}

static json_t *scenario_json(const struct evidence_scenario *scenario)
{
    const struct page_scenario *told = scenario->told;
    const struct history_entries *entries = told->entries;
    json_t *object = json_object();
    json_t *runs = json_array();
    set_text(object, "scenario", told->name);
    set_text(object, "history", told->path);
    set_text(object, "problem", told->alarm ? told->alarm : told->problem ? told->problem : "");
    json_object_set_new(object, "nights", nights_json(scenario));
    json_object_set_new(object, "missing_nights", gaps_json(scenario));
    json_object_set_new(object, "failures", episodes_json(scenario));
    json_object_set_new(object, "programs", strings_json(&scenario->programs));
    json_object_set_new(object, "servers", strings_json(&scenario->servers));
    json_object_set_new(object, "last_line_damaged", json_boolean(entries->torn));
    set_number(object, "lines_not_understood", (int64_t)entries->newer);
    json_object_set_new(object, "chain", chain_json(scenario));
    for (size_t i = scenario->first; i < scenario->end; i++)
        json_array_append_new(runs, run_json(&entries->items[i]));
    json_object_set_new(object, "runs", runs);
    return object;
}

/* --- the document ----------------------------------------------------------------------------- */

static json_t *controls_json(void)
{
    json_t *controls = json_array();
    for (const struct control *control = evidence_controls; control->name; control++) {
        json_t *object = json_object();
        set_text(object, "name", control->name);
        set_text(object, "asks", control->asks);
        set_text(object, "shown", control->shown);
        set_text(object, "not_shown", control->not_shown);
        json_array_append_new(controls, object);
    }
    return controls;
}

static json_t *period_json(const struct period *period)
{
    json_t *object = json_object();
    set_text(object, "name", period->name);
    json_object_set_new(object, "from", day(period->from));
    json_object_set_new(object, "to", day(period->to - 1));
    return object;
}

static json_t *signer_json(const char *key_name)
{
    if (!key_name)
        return json_null();
    json_t *signer = json_object();
    set_text(signer, "algorithm", "Ed25519");
    set_text(signer, "public_key_sha256", key_name);
    return signer;
}

char *evidence_json(const struct evidence *evidence)
{
    json_t *root = document_new(EVIDENCE_FORMAT, EVIDENCE_VERSION);
    json_t *about = json_object();
    json_t *scenarios = json_array();
    json_object_set_new(root, "period", period_json(&evidence->period));
    json_set_time(root, "made", evidence->made);
    set_text(root, "program", "restore-verifier " PROGRAM_VERSION);
    json_object_set_new(root, "signed_by", signer_json(evidence->key_name));
    for (size_t i = 0; i < evidence->count; i++)
        json_array_append_new(scenarios, scenario_json(&evidence->scenarios[i]));
    json_object_set_new(root, "scenarios", scenarios);
    json_object_set_new(about, "shows", texts(evidence_shows));
    json_object_set_new(about, "does_not_show", texts(evidence_does_not_show));
    set_text(about, "chain", evidence_chain_rule);
    json_object_set_new(about, "chain_proves", texts(evidence_chain_proves));
    json_object_set_new(about, "chain_does_not_prove", texts(evidence_chain_does_not_prove));
    json_object_set_new(root, "about", about);
    json_object_set_new(root, "controls", controls_json());
    return document_dump(root);
}
