/* The checks of one result on the console. */
#ifndef REPORT_CONSOLE_CHECKS_H
#define REPORT_CONSOLE_CHECKS_H

#include "report/cases.h"
#include "report/paper.h"

/* `file`: where the rest of long details is told. */
void console_checks(const struct paper *paper, const struct cases *cases, const char *file);

#endif
