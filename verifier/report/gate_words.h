/* What a gate found, as a sentence. */
#ifndef REPORT_GATE_WORDS_H
#define REPORT_GATE_WORDS_H

#include "history/gate.h"

/* `path` is where the history lies. To be freed by the caller; fit to be shown (text.h). */
char *gate_sentence(const struct gate *gate, const struct gate_limits *limits, time_t now,
                    const char *path);

#endif
