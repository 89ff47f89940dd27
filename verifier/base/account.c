#include "base/account.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

bool account_may(const struct account *account, const char *path, int mode)
{
    if (account->uid == geteuid())
        return true;
    gid_t group = getegid();
    /* A change of user makes the kernel forget that we are to die with our parent. */
    int death_signal = 0;
    pid_t parent = getppid();
    prctl(PR_GET_PDEATHSIG, &death_signal);
    bool may = setegid(account->gid) == 0 && seteuid(account->uid) == 0 &&
               faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
    if (seteuid(0) < 0 || setegid(group) < 0)
        abort(); /* we would go on as somebody else */
    prctl(PR_SET_PDEATHSIG, death_signal);
    if (death_signal != 0 && getppid() != parent)
        raise(death_signal); /* it died in between */
    return may;
}

char *account_barrier(const struct account *account, const char *path)
{
    cleanup(free_pointer) char *whole = path_absolute(path);
    if (account_may(account, whole, X_OK))
        return NULL;
    for (const char *next = strchr(whole + 1, '/'); next; next = strchr(next + 1, '/')) {
        char *above = xstrndup(whole, (size_t)(next - whole));
        if (!account_may(account, above, X_OK))
            return above;
        free(above);
    }
    return take(&whole);
}

char *account_name(const struct account *account)
{
    const struct passwd *user = getpwuid(account->uid);
    return user ? xstrdup(user->pw_name) : xasprintf("the user %d", (int)account->uid);
}
