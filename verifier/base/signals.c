#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static void blocked_set(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGHUP);
    sigaddset(ret_set, SIGCHLD);
}

void signals_block(void)
{
    sigset_t set;
    blocked_set(&set);
    /* A blocked signal would arrive although it is ignored, and nohup(1) means what it says. */
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN)
        sigdelset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* SIGCHLD must not be ignored (some parents leave it so): waitpid could not tell how a child
     * ended. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

void signals_default(void)
{
    static const int changed[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGCHLD,
                                  SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
        signal(changed[i], SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static const int asking[] = {SIGINT, SIGTERM, SIGHUP}; /* us to stop */

void signals_hold(sigset_t *ret_before)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++) {
        struct sigaction action;
        if (sigaction(asking[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, asking[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

void signals_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool signals_held(void)
{
    sigset_t pending;
    if (sigpending(&pending) < 0)
        return false;
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++) {
        struct sigaction action;
        if (sigismember(&pending, asking[i]) == 1 && sigaction(asking[i], NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            return true;
    }
    return false;
}

int signals_wait(int64_t timeout_ms)
{
    sigset_t set;
    blocked_set(&set);
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    int received = sigtimedwait(&set, NULL, &timeout);
    return received > 0 && received != SIGCHLD ? received : 0;
}
