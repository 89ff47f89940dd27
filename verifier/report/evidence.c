#include "report/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "report/page_parts.h"

enum { DAY_S = 24 * 60 * 60 };

/* --- nights ----------------------------------------------------------------------------------- */

static void add_missing(struct evidence_scenario *scenario, time_t day, bool before_first_run)
{
    struct gap *last = scenario->gap_count > 0 ? &scenario->gaps[scenario->gap_count - 1] : NULL;
    scenario->missing++;
    if (last && last->last + DAY_S == day && last->before_first_run == before_first_run) {
        last->last = day;
        return;
    }
    scenario->gaps =
        xreallocarray(scenario->gaps, scenario->gap_count + 1, sizeof(*scenario->gaps));
    scenario->gaps[scenario->gap_count++] =
        (struct gap){.first = day, .last = day, .before_first_run = before_first_run};
}

/* A day's last run that could look; or else its last; NULL: there was none. Moves `index` behind
 * the day. */
static const struct history_entry *night_of(const struct evidence_scenario *scenario, time_t day,
                                            size_t *index)
{
    const struct history_entry *found = NULL;
    for (; *index < scenario->end; (*index)++) {
        const struct history_entry *entry = &scenario->told->entries->items[*index];
        if (entry->began >= day + DAY_S)
            break;
        if (is_night(entry) && (!found || entry->exit_code < 2 || found->exit_code >= 2))
            found = entry;
    }
    return found;
}

static void count_nights(const struct period *period, time_t made,
                         struct evidence_scenario *scenario)
{
    const struct history_entries *entries = scenario->told->entries;
    time_t first_day = entries->count > 0 ? entries->items[0].began / DAY_S * DAY_S : made;
    size_t index = scenario->first;
    for (time_t day = period->from; day < period->to && day <= made; day += DAY_S) {
        const struct history_entry *night = night_of(scenario, day, &index);
        if (!night && day + DAY_S > made)
            break; /* it is not over */
        scenario->nights++;
        if (!night)
            add_missing(scenario, day, day < first_day);
        else if (night->exit_code == 0)
            scenario->verified++;
        else if (night->exit_code == 1)
            scenario->red++;
        else
            scenario->unseen++;
    }
}

/* --- what failed ------------------------------------------------------------------------------ */

static void add_episode(const struct period *period, const struct episode *episode,
                        struct evidence_scenario *scenario)
{
    bool ended_before = episode->green && episode->green->began < period->from;
    if (ended_before || episode->first->began >= period->to)
        return;
    scenario->episodes =
        xreallocarray(scenario->episodes, scenario->episode_count + 1, sizeof(*scenario->episodes));
    scenario->episodes[scenario->episode_count++] = *episode;
}

/* Also those that began before the period, or ended behind it. */
static void find_episodes(const struct period *period, struct evidence_scenario *scenario)
{
    const struct history_entries *entries = scenario->told->entries;
    struct episode episode = {0};
    for (size_t i = 0; i < entries->count; i++) {
        const struct history_entry *entry = &entries->items[i];
        if (!is_night(entry))
            continue;
        if (entry->exit_code != 0) {
            episode.first = episode.first ? episode.first : entry;
            episode.last = entry;
            episode.runs++;
            episode.red |= entry->exit_code == 1;
        } else if (episode.first) {
            episode.green = entry;
            add_episode(period, &episode, scenario);
            episode = (struct episode){0};
        }
    }
    if (episode.first)
        add_episode(period, &episode, scenario);
}

/* --- together --------------------------------------------------------------------------------- */

static void add_version(struct strings *versions, const char *version)
{
    if (*version && !strings_contain(versions, version))
        strings_add(versions, version);
}

static void look_at(const struct page_scenario *told, const struct period *period, time_t made,
                    struct evidence_scenario *scenario)
{
    const struct history_entries *entries = told->entries;
    *scenario = (struct evidence_scenario){.told = told};
    while (scenario->first < entries->count && entries->items[scenario->first].began < period->from)
        scenario->first++;
    scenario->end = scenario->first;
    while (scenario->end < entries->count && entries->items[scenario->end].began < period->to)
        scenario->end++;
    chain_begin(&scenario->tail);
    for (size_t i = scenario->first; i < scenario->end; i++) {
        char sha256[SHA256_HEX_SIZE];
        history_entry_digest(&entries->items[i], sha256);
        chain_add(&scenario->tail, sha256);
        add_version(&scenario->programs, entries->items[i].program);
        add_version(&scenario->servers, entries->items[i].server);
    }
    count_nights(period, made, scenario);
    find_episodes(period, scenario);
}

void evidence_gather(const struct page_scenario *told, size_t count, const struct period *period,
                     time_t made, const char *key_name, struct evidence *ret_evidence)
{
    *ret_evidence =
        (struct evidence){.period = *period,
                          .made = made,
                          .key_name = key_name,
                          .scenarios = xcalloc(count + 1, sizeof(struct evidence_scenario)),
                          .count = count};
    for (size_t i = 0; i < count; i++)
        look_at(&told[i], period, made, &ret_evidence->scenarios[i]);
}

void evidence_free(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        struct evidence_scenario *scenario = &evidence->scenarios[i];
        free(scenario->gaps);
        free(scenario->episodes);
        strings_free(&scenario->programs);
        strings_free(&scenario->servers);
    }
    free(evidence->scenarios);
}
