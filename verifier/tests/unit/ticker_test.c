#include "base/ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

struct ticks {
    _Atomic int count;
    int most; /* behind them it has enough */
    _Atomic bool hears_signals;
};

static bool count_tick(void *context)
{
    struct ticks *ticks = context;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGINT))
        ticks->hears_signals = true;
    return ++ticks->count < ticks->most;
}

static void wait_for(const struct ticks *ticks, int count)
{
    for (int64_t deadline_ms = deadline_after(10000); ticks->count < count;) {
        ck_assert_int_lt(clock_ms(), deadline_ms);
        usleep(1000);
    }
}

START_TEST(it_goes_on_until_it_has_enough)
{
    struct ticks ticks = {.most = 3};
    struct ticker *ticker = ticker_start(1, count_tick, &ticks);
    ck_assert_ptr_nonnull(ticker);
    wait_for(&ticks, 3);
    usleep(20000);
    ticker_stop(ticker);
    ck_assert_int_eq(ticks.count, 3);
    ck_assert(!ticks.hears_signals);
}
END_TEST

START_TEST(it_goes_on_until_it_is_stopped)
{
    struct ticks ticks = {.most = 1000000};
    struct ticker *ticker = ticker_start(1, count_tick, &ticks);
    wait_for(&ticks, 5);
    ticker_stop(ticker);
    int count = ticks.count;
    usleep(20000);
    ck_assert_int_eq(ticks.count, count);
}
END_TEST

START_TEST(nobody_waits_for_its_pause)
{
    struct ticks ticks = {.most = 1};
    int64_t began_ms = clock_ms();
    ticker_stop(ticker_start(3600 * 1000 + 1, count_tick, &ticks));
    ck_assert_int_lt(clock_ms() - began_ms, 5000);
    ck_assert_int_eq(ticks.count, 0);
    ticker_stop(NULL);
}
END_TEST

Suite *ticker_suite(void)
{
    Suite *suite = suite_create("base/ticker");
    add_test(suite, it_goes_on_until_it_has_enough);
    add_test(suite, it_goes_on_until_it_is_stopped);
    add_test(suite, nobody_waits_for_its_pause);
    return suite;
}
