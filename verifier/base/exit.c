#include "base/exit.h"

#include <unistd.h>

#ifdef COVERAGE
void __gcov_dump(void);
#endif

void exit_now(int code)
{
#ifdef COVERAGE
    __gcov_dump();
#endif
    _exit(code);
}
