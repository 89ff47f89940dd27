#include "tests/unit/unit.h"
Suite *report_progress_suite(void)
{
    return suite_create("report/progress");
}
