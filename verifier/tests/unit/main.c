/* Runs every unit test, a suite a time in each of a few processes, since many tests wait for
 * something; ends with a line of totals in Check's form and exits 1 when one failed or none ran. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define UNIT_NAME(suite) suite,
static Suite *(*const suites[])(void) = {UNIT_SUITES(UNIT_NAME)};

enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

/* What the processes share. A process that dies leaves its suite begun and not ended. */
struct progress {
    atomic_int begun;
    atomic_int ended;
    atomic_int run;
    atomic_int failed;
    atomic_int errors;
};

static void run_suite(struct progress *progress, Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    int run = srunner_ntests_run(runner); /* none where CK_RUN_SUITE names another */
    if (srunner_ntests_failed(runner) > 0)
        srunner_print(runner, CK_NORMAL);
    fflush(stdout); /* in one piece, and never again by a process that a test forks */
    TestResult **results = srunner_results(runner);
    for (int i = 0; i < run; i++) {
        progress->failed += tr_rtype(results[i]) == CK_FAILURE;
        progress->errors += tr_rtype(results[i]) == CK_ERROR;
    }
    free((void *)results);
    srunner_free(runner);
    progress->run += run;
    progress->ended++;
}

static void run_suites(struct progress *progress)
{
    for (int next = progress->begun++; next < SUITES; next = progress->begun++)
        run_suite(progress, suites[next]());
}

int main(void)
{
    /* Check's own 4 s are too few on a busy machine and under the sanitizers. */
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return EXIT_FAILURE;
    for (int processes = get_nprocs() + 2; processes > 0; processes--)
        if (fork() == 0) {
            run_suites(progress);
            return EXIT_SUCCESS;
        }
    while (wait(NULL) > 0)
        ;
    int errors = progress->errors + SUITES - progress->ended;
    int passed = progress->run - progress->failed - progress->errors;
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n",
           progress->run > 0 ? passed * 100 / progress->run : 0, progress->run, progress->failed,
           errors);
    return passed > 0 && progress->failed + errors == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
