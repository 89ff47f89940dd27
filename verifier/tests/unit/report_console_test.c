#include "tests/unit/unit.h"
Suite *report_console_suite(void)
{
    return suite_create("report/console");
}
