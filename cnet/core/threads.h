// What the team of threads needs beyond Python's own locks: a flag, a barrier, a clock.
// Header-only atomics; no C++ library is linked.
#ifndef CNET_THREADS_H
#define CNET_THREADS_H

#include <atomic>
#include <time.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif
static inline void cnet_yield(void) { SwitchToThread(); }
#else
#include <sched.h>
static inline void cnet_yield(void) { sched_yield(); }
#endif

static inline void cnet_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#elif defined(_M_X64)
    _mm_pause();
#elif defined(_M_ARM64)
    __yield();
#endif
}

// A flag that one thread raises and another waits for: spin briefly, then give
// the processor away, so that more threads than processors still get on.
enum { CNET_SPINS = 1000 };

struct Flag {
    std::atomic<int> value;
    Flag() : value(0) {}
    void set(int v) { value.store(v, std::memory_order_release); }
    int get() const { return value.load(std::memory_order_acquire); }
    // Raises it; returns what it was before.
    int test_and_set() { return value.exchange(1, std::memory_order_acq_rel); }
    void wait_while(int v, int most_spins = CNET_SPINS) const {
        for (int spins = 0; get() == v; spins++) {
            if (spins < most_spins) cnet_relax();
            else cnet_yield();
        }
    }
};

struct Barrier {
    std::atomic<int> arrived;
    char apart[64];
    Flag phase;
    // None where there are more members than processors: who spins keeps another from arriving.
    int spins;
    Barrier() : arrived(0), spins(CNET_SPINS) {}
    void wait(int members) {
        if (members == 1) return;
        int now = phase.get();
        if (arrived.fetch_add(1, std::memory_order_acq_rel) == members - 1) {
            arrived.store(0, std::memory_order_relaxed);
            phase.set(now + 1);
        } else {
            phase.wait_while(now, spins);
        }
    }
};

// Seconds on some clock.
static inline double cnet_seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
