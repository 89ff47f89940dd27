/* Numbers of tonight against those of earlier nights, as the history remembers them; and what is
 * measured of the run itself. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/listed.h"
#include "checks/session.h"

enum { DETAIL_LIMIT = 8192 };

/* What is compared. */
struct trend {
    const struct expectation *expectation;
    const char *subject; /* of the value's name: "users: ", "objects: ", "" */
    long double now;
    /* What a night says of it; false: nothing. */
    bool (*known)(const struct history_entry *night, const void *what, long double *ret_number);
    const void *what;
    /* Why it may say nothing: a sentence without its end. */
    char *(*why_unknown)(const struct nights *nights);
};

/* The numbers of those nights that know one, the latest first. */
struct series {
    struct nights nights;
    long double *numbers;
    size_t count;
};

static void series_free(struct series *series)
{
    nights_free(&series->nights);
    free(series->numbers);
}

/* --- words ------------------------------------------------------------------------------------ */

static const char *noun_of(const struct expectation *expectation)
{
    return expectation->metric == METRIC_ROW_COUNT      ? " rows"
           : expectation->metric == METRIC_OBJECT_COUNT ? " objects"
                                                        : "";
}

static bool is_size(const struct expectation *expectation)
{
    return expectation->metric == METRIC_TOTAL_SIZE || expectation->metric == METRIC_BACKUP_SIZE;
}

static bool is_time(const struct expectation *expectation)
{
    return expectation->metric == METRIC_RESTORE_TIME;
}

/* "480", "33 MiB", "4 min 10 s"; to be freed by the caller. */
static char *number_words(const struct expectation *expectation, long double number)
{
    if (is_time(expectation)) {
        char time[DURATION_TEXT_SIZE];
        duration_format((int64_t)roundl(number * 1000), time);
        return xstrdup(time);
    }
    if (is_size(expectation)) {
        char size[SIZE_TEXT_SIZE];
        size_format((int64_t)fminl(roundl(number), 0x1p62L), size);
        return xstrdup(size);
    }
    return xasprintf(number == truncl(number) ? "%.0Lf" : "%.1Lf", number);
}

/* "480 rows" */
static char *measured_words(const struct expectation *expectation, long double number)
{
    cleanup(free_pointer) char *words = number_words(expectation, number);
    return xasprintf("%s%s", words, noun_of(expectation));
}

/* "last 7 verified nights" */
static char *nights_words(size_t count)
{
    return count == 1 ? xstrdup("last verified night")
                      : xasprintf("last %zu verified nights", count);
}

static void tell_numbers(const struct trend *trend, const struct series *series,
                         struct outcome *outcome)
{
    struct buffer words;
    buffer_init(&words, DETAIL_LIMIT);
    for (size_t i = 0; i < series->count; i++) {
        cleanup(free_pointer) char *number = number_words(trend->expectation, series->numbers[i]);
        buffer_printf(&words, "%s%s", i ? ", " : "", number);
    }
    outcome_detail(outcome, "before, the latest first: %s", words.data);
    buffer_free(&words);
}

/* --- what earlier nights say ------------------------------------------------------------------ */

static void series_find(const struct trend *trend, const struct subject *subject,
                        struct series *ret_series)
{
    const struct backup_fact *backup = &subject->facts->backup;
    const char *slash = strrchr(backup->path, '/');
    const struct expectation *expectation = trend->expectation;
    size_t most = expectation->anomaly           ? ANOMALY_NIGHTS
                  : expectation->last_nights > 0 ? expectation->last_nights
                                                 : 1;
    struct series series = {0};
    nights_before(&subject->past->entries, slash ? slash + 1 : backup->path, backup->time,
                  subject->now, most, &series.nights);
    series.numbers = xcalloc(most, sizeof(*series.numbers));
    for (size_t i = 0; i < series.nights.count; i++)
        if (trend->known(series.nights.items[i], trend->what, &series.numbers[series.count]))
            series.count++;
    *ret_series = series;
}

/* Lines that are not known may be those of the last nights: then nobody knows what was before. */
static bool past_is_known(const struct past *past, struct outcome *outcome)
{
    if (past->failed)
        outcome_error(outcome,
                      "nobody knows what was before, because the history cannot be read: %s; mend "
                      "that, or name another place for it under `history`",
                      past->error.text);
    else if (past->entries.newer > 0)
        outcome_error(outcome,
                      "nobody knows what was before, because a newer version of this program wrote "
                      "%zu line%s of the history %s: use that version here too, or give this one a "
                      "history of its own (`history`)",
                      past->entries.newer, past->entries.newer == 1 ? "" : "s", past->path);
    for (size_t i = 0; i < past->notices.count; i++)
        outcome_detail(outcome, "%s", past->notices.items[i]);
    return outcome->verdict != VERDICT_ERROR;
}

/* Of lines that cannot be read nobody knows whether they told of a night that verified. */
static bool nights_are_known(const struct past *past, const struct series *series,
                             struct outcome *outcome)
{
    if (series->nights.count > 0 || past->notices.count == 0)
        return true;
    outcome_error(outcome,
                  "nobody knows what was before, because no line about an earlier night in the "
                  "history %s can be read: put back a good copy of it, or delete it to begin anew",
                  past->path);
    return false;
}

/* An error would keep the first nights from ever being verified. */
static void warn_of_too_few(const struct trend *trend, const struct past *past,
                            const struct series *series, struct outcome *outcome)
{
    cleanup(free_pointer) char *now = measured_words(trend->expectation, trend->now);
    cleanup(free_pointer) char *nights = nights_words(series->nights.count);
    cleanup(free_pointer) char *unknown =
        series->count < series->nights.count ? trend->why_unknown(&series->nights) : NULL;
    if (series->nights.count == 0)
        outcome_warn(outcome,
                     "%s, and nothing to compare with: the history %s knows no earlier backup that "
                     "verified",
                     now, past->path);
    else if (series->count == 0)
        outcome_warn(outcome, "%s, and nothing to compare with: the %s do%s not tell it, %s", now,
                     nights, series->nights.count == 1 ? "es" : "", unknown);
    else
        outcome_warn(outcome,
                     "%s, and nobody knows yet what is usual: that takes %d verified nights, and "
                     "%zu %s known%s%s",
                     now, ANOMALY_NIGHTS_LEAST, series->count, series->count == 1 ? "is" : "are",
                     unknown ? "; of others it is not told, " : "", unknown ? unknown : "");
}

static void tell_unknown(const struct trend *trend, const struct series *series,
                         struct outcome *outcome)
{
    size_t missing = series->nights.count - series->count;
    cleanup(free_pointer) char *nights = nights_words(series->nights.count);
    cleanup(free_pointer) char *why = missing > 0 ? trend->why_unknown(&series->nights) : NULL;
    if (missing > 0)
        outcome_detail(outcome, "%zu of the %s do%s not tell it, %s", missing, nights,
                       missing == 1 ? "es" : "", why);
}

/* --- judging ---------------------------------------------------------------------------------- */

static void say(const struct trend *trend, bool holds, const char *words, struct outcome *outcome)
{
    if (holds) {
        outcome_pass(outcome, "%s", words);
        return;
    }
    disagree(trend->expectation, words, outcome);
    if (!trend->expectation->warn)
        outcome_detail(outcome, "if this is as it should be, and will stay so: write `warn:` in "
                                "front of the expectation until enough nights are like this one");
}

static void judge_change(const struct trend *trend, const struct series *series,
                         struct outcome *outcome)
{
    const struct expectation *expectation = trend->expectation;
    const long double before = numbers_mean(series->numbers, series->count);
    const long double difference = trend->now - before;
    const long double percent = percent_of(difference, before);
    cleanup(free_pointer) char *by = number_words(expectation, fabsl(difference));
    cleanup(free_pointer) char *now = number_words(expectation, trend->now);
    cleanup(free_pointer) char *mean = number_words(expectation, before);
    cleanup(free_pointer) char *nights = nights_words(series->count);
    cleanup(free_pointer) char *when =
        expectation->last_nights > 0
            ? xasprintf(series->count == 1 ? "in the %s" : "on average of the %s", nights)
            : xasprintf("in %s", series->nights.items[0]->backup);
    cleanup(free_pointer) char *words =
        xasprintf("%c%s%s (%+.1Lf%%): %s, and %s %s", difference < 0 ? '-' : '+', by,
                  noun_of(expectation), percent, now, mean, when);
    say(trend, change_holds(expectation, expectation->percent ? percent : difference), words,
        outcome);
}

/* What nobody needs to hear of: one row more, a breath of a slow disk. */
static long double least_of(const struct expectation *expectation)
{
    enum { SECONDS = 5, BYTES = 1024, ROWS = 1 };
    return is_time(expectation) ? SECONDS : is_size(expectation) ? BYTES : ROWS;
}

/* However much nights differ: nothing is not usual where there was always something. */
static long double smallest_usual(const struct trend *trend, const struct series *series,
                                  const struct usual *usual)
{
    if (is_time(trend->expectation) || usual->median <= least_of(trend->expectation))
        return 0;
    for (size_t i = 0; i < series->count; i++)
        if (series->numbers[i] < 1)
            return 0;
    return 1;
}

static void judge_anomaly(const struct trend *trend, const struct series *series,
                          struct outcome *outcome)
{
    const struct expectation *expectation = trend->expectation;
    struct usual usual;
    usual_find(series->numbers, series->count, least_of(expectation), &usual);
    const long double smallest = smallest_usual(trend, series, &usual);
    const bool holds = usual_holds(&usual, trend->now) && trend->now >= smallest;
    const bool whole = !is_time(expectation) && !is_size(expectation);
    const long double low = fmaxl(smallest, usual.median - usual.allowed);
    const long double high = usual.median + usual.allowed;
    cleanup(free_pointer) char *now = measured_words(expectation, trend->now);
    cleanup(free_pointer) char *least = number_words(expectation, whole ? ceill(low) : low);
    cleanup(free_pointer) char *most = number_words(expectation, whole ? floorl(high) : high);
    cleanup(free_pointer) char *median = number_words(expectation, usual.median);
    cleanup(free_pointer) char *spread = number_words(expectation, usual.spread);
    cleanup(free_pointer) char *nights = nights_words(series->count);
    cleanup(free_pointer) char *words =
        xasprintf("%s%s, and between %s and %s is usual (median %s of the %s)",
                  holds ? "" : "unusual: ", now, least, most, median, nights);
    say(trend, holds, words, outcome);
    outcome_detail(outcome,
                   "median %s, spread %s (1.4826 MAD), usual within 5 times that or a "
                   "tenth of the median",
                   median, spread);
}

/* Under the words of the expectation without its number. */
static char *value_name(const struct trend *trend)
{
    const struct expectation *expectation = trend->expectation;
    cleanup(free_pointer) char *metric = metric_name(expectation);
    cleanup(free_pointer) char *average = expectation->last_nights > 0
                                              ? xasprintf("avg last %u ", expectation->last_nights)
                                              : xstrdup("");
    return xasprintf("%s%s%s%s", trend->subject, expectation->anomaly ? "anomaly for " : "change ",
                     expectation->anomaly ? "" : average, metric);
}

static void trend_judge(const struct trend *trend, const struct subject *subject,
                        struct outcome *outcome)
{
    const struct expectation *expectation = trend->expectation;
    const struct past *past = subject->past;
    cleanup(series_free) struct series series = {0};
    if (!past_is_known(past, outcome))
        return;
    series_find(trend, subject, &series);
    if (!nights_are_known(past, &series, outcome))
        return;
    if (series.count < (expectation->anomaly ? ANOMALY_NIGHTS_LEAST : 1)) {
        warn_of_too_few(trend, past, &series, outcome);
        return;
    }
    cleanup(free_pointer) char *name = value_name(trend);
    outcome_value(outcome, name, trend->now == truncl(trend->now) ? "%.0Lf" : "%.3Lf", trend->now);
    if (expectation->anomaly)
        judge_anomaly(trend, &series, outcome);
    else
        judge_change(trend, &series, outcome);
    tell_unknown(trend, &series, outcome);
    tell_numbers(trend, &series, outcome);
}

/* --- a table ---------------------------------------------------------------------------------- */

static bool table_known(const struct history_entry *night, const void *what,
                        long double *ret_number)
{
    const struct restored *table = what;
    const struct table_count *found = table_counts_find(&night->tables, table->schema, table->name);
    if (!found || found->rows_total == NOT_COUNTED)
        return false;
    *ret_number = (long double)found->rows_total;
    return true;
}

static char *table_why_unknown(const struct nights *nights)
{
    bool cut = false, any = false;
    for (size_t i = 0; i < nights->count; i++) {
        cut = cut || nights->items[i]->tables_left_out > 0;
        any = any || nights->items[i]->tables.count > 0;
    }
    if (cut)
        return xasprintf("because only the %d largest tables of a night are remembered, or because "
                         "it was not there",
                         HISTORY_MOST_TABLES);
    return xstrdup(any ? "because it was not there"
                       : "because no record was written that they could take it from");
}

void table_trend(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    cleanup(restored_free) struct restored restored = {0};
    if (restored_count(subject, expected->table, &restored, outcome) < 0)
        return;
    if (!restored.is_table) {
        outcome_mistake(outcome,
                        "%s is no table, and only the rows of tables are remembered: expect a "
                        "number of rows, or remove the line",
                        expected->table);
        return;
    }
    cleanup(free_pointer) char *name = xasprintf("%s: ", expected->table);
    const struct trend trend = {.expectation = expected->expectation,
                                .subject = name,
                                .now = (long double)restored.rows,
                                .known = table_known,
                                .what = &restored,
                                .why_unknown = table_why_unknown};
    trend_judge(&trend, subject, outcome);
}

/* --- the bucket and its copy ------------------------------------------------------------------ */

static bool objects_known(const struct history_entry *night, const void *what,
                          long double *ret_number)
{
    const int64_t *found = named_numbers_find(&night->objects, what);
    if (found)
        *ret_number = (long double)*found;
    return found != NULL;
}

static char *objects_why_unknown(const struct nights *nights)
{
    (void)nights;
    return xstrdup("because nobody asked for it then");
}

void objects_trend(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_store *store = listed_of(subject, expectation);
    if (!listed_is_there(store, outcome))
        return;
    cleanup(free_pointer) char *metric = metric_name(expectation);
    const struct trend trend = {.expectation = expectation,
                                .subject = "objects: ",
                                .now = (long double)listed_number(store, expectation),
                                .known = objects_known,
                                .what = metric,
                                .why_unknown = objects_why_unknown};
    trend_judge(&trend, subject, outcome);
}

/* --- the run itself --------------------------------------------------------------------------- */

static long double run_measured(const struct facts *facts, enum metric metric)
{
    return metric == METRIC_RESTORE_TIME
               ? (long double)facts->stages[STAGE_RESTORE].duration_ms / 1000
               : (long double)facts->backup.size_bytes;
}

static bool run_known(const struct history_entry *night, const void *what, long double *ret_number)
{
    const enum metric *metric = what;
    const int64_t *restore_ms = named_numbers_find(&night->stages, "restore");
    if (*metric == METRIC_RESTORE_TIME && !restore_ms)
        return false;
    *ret_number = *metric == METRIC_RESTORE_TIME ? (long double)*restore_ms / 1000
                                                 : (long double)night->backup_size_bytes;
    return true;
}

static char *run_why_unknown(const struct nights *nights)
{
    (void)nights;
    return xstrdup("because their lines lack it");
}

void run_number(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const long double measured = run_measured(subject->facts, expectation->metric);
    cleanup(free_pointer) char *name = metric_name(expectation);
    cleanup(free_pointer) char *words = number_words(expectation, measured);
    session_judge(expectation, name, measured, words, outcome);
}

void run_trend(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct trend trend = {.expectation = expectation,
                                .subject = "",
                                .now = run_measured(subject->facts, expectation->metric),
                                .known = run_known,
                                .what = &expectation->metric,
                                .why_unknown = run_why_unknown};
    trend_judge(&trend, subject, outcome);
}
