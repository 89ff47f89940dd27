/* What checks say with, and the looking itself. */
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_NONE] = "none",   [VERDICT_PASS] = "pass", [VERDICT_FAIL] = "fail",
        [VERDICT_ERROR] = "error", [VERDICT_SKIP] = "skip",
    };
    return names[verdict];
}

/* The verdict is set last: an outcome that is cut off while being written has none. */
static void say(struct outcome *outcome, enum verdict verdict, const char *format,
                va_list arguments)
{
    cleanup(free_pointer) char *message = xvasprintf(format, arguments);
    text_copy(outcome->message, sizeof(outcome->message), message);
    if (verdict != VERDICT_PASS)
        outcome->warn = false;
    outcome->verdict = verdict;
}

#define SAY(name, said)                                                                            \
    void name(struct outcome *outcome, const char *format, ...)                                    \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        say(outcome, said, format, arguments);                                                     \
        va_end(arguments);                                                                         \
    }

SAY(outcome_pass, VERDICT_PASS)
SAY(outcome_fail, VERDICT_FAIL)
SAY(outcome_error, VERDICT_ERROR)
SAY(outcome_skip, VERDICT_SKIP)

void outcome_mistake(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    outcome->concern = CONCERN_SCENARIO;
    say(outcome, VERDICT_ERROR, format, arguments);
    va_end(arguments);
}

void outcome_warn(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    outcome->warn = true;
    say(outcome, VERDICT_PASS, format, arguments);
    va_end(arguments);
}

enum concern outcome_concern(const struct outcome *outcome, const struct check *check)
{
    enum concern concern = outcome->concern != CONCERN_USUAL ? outcome->concern : check->concern;
    /* It may come from memory that a crashed process left in any state. */
    return concern > CONCERN_USUAL && concern < CONCERN_COUNT ? concern : CONCERN_BACKUP;
}

void outcome_from_error(struct outcome *outcome, const struct error *error)
{
    if (error->fault == FAULT_BACKUP)
        outcome_fail(outcome, "%s", error->text);
    else
        outcome_error(outcome, "%s", error->text);
}

void outcome_detail(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *line = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(free_pointer) char *whole =
        xasprintf("%s%s%s", outcome->details, *outcome->details ? "\n" : "", line);
    text_copy(outcome->details, sizeof(outcome->details), whole);
}

void outcome_value(struct outcome *outcome, const char *name, const char *format, ...)
{
    if (outcome->value_count == OUTCOME_VALUES)
        return;
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    va_end(arguments);
    struct value *value = &outcome->values[outcome->value_count++];
    text_copy(value->name, sizeof(value->name), name);
    text_copy(value->text, sizeof(value->text), text);
}

/* Which check tells of a stage that did not succeed. */
static const char *teller(const struct facts *facts, enum stage needed)
{
    for (enum stage stage = STAGE_FIND; stage < needed; stage++)
        if (facts->stages[stage].state != STAGE_DONE)
            needed = stage;
    switch (needed) {
    case STAGE_FIND:
        return "backup is recent";
    case STAGE_READ:
        return "backup is intact";
    case STAGE_START:
    case STAGE_RESTORE:
    case STAGE_OBJECTS:
    case STAGE_CHECK:
    case STAGE_REHEARSE:
    case STAGE_STOP:
    case STAGE_COUNT:
        return "backup restores";
    }
    return "backup restores";
}

void check_look(const struct check *check, const struct subject *subject, struct outcome *outcome)
{
    if (check->needs != STAGE_COUNT && subject->facts->stages[check->needs].state != STAGE_DONE)
        outcome_skip(outcome, "not looked at, because `%s` did not pass",
                     teller(subject->facts, check->needs));
    else if (check->database)
        look_at_database(check, subject, outcome);
    else
        check->look(subject, check->parameter, outcome);
}
