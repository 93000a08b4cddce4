// What the team of threads needs beyond Python's own locks: a flag, a barrier, a clock.
// Header-only atomics; no C++ library is linked.
#ifndef CNET_THREADS_H
#define CNET_THREADS_H

#include <atomic>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif
static inline void cnet_yield(void) { SwitchToThread(); }
// Nothing forks here.
static inline long cnet_process(void) { return 0; }
#else
#include <sched.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
static inline void cnet_yield(void) { sched_yield(); }
static inline long cnet_process(void) { return (long)getpid(); }
#endif

// Where threads run. Linux looks for an idle processor for a thread that it wakes only among those that share a cache
// with the one where the thread ran last: where processors share none, as in many virtual machines, a worker that last
// ran on its caller's processor would run there again, in turns with its caller, call after call. So such a worker,
// while it is still asleep, is kept off the processors that are taken. Elsewhere the system is left to it.
#if defined(__linux__)
static inline int cnet_processor(void) { return sched_getcpu(); }
static inline long cnet_thread_id(void) { return syscall(SYS_gettid); }
struct Places {
    cpu_set_t taken, allowed;
    Places() { CPU_ZERO(&taken); take(cnet_processor()); }
    // Take a processor; false, if somebody has it. One that is not known (-1) is everybody's.
    bool take(int processor) {
        if (processor < 0 || processor >= CPU_SETSIZE) return true;
        if (CPU_ISSET(processor, &taken)) return false;
        CPU_SET(processor, &taken);
        return true;
    }
    // Keep a thread off what is taken; false, if it has nowhere else to go.
    bool keep_off(long thread) {
        cpu_set_t others;
        if (sched_getaffinity((pid_t)thread, sizeof allowed, &allowed)) return false;
        CPU_AND(&others, &allowed, &taken);
        CPU_XOR(&others, &allowed, &others);
        return CPU_COUNT(&others) && !sched_setaffinity((pid_t)thread, sizeof others, &others);
    }
    // Let it go again wherever it was allowed to before.
    void allow(long thread) { sched_setaffinity((pid_t)thread, sizeof allowed, &allowed); }
};
#else
static inline int cnet_processor(void) { return -1; }
static inline long cnet_thread_id(void) { return 0; }
struct Places {
    bool take(int) { return true; }
    bool keep_off(long) { return false; }
    void allow(long) {}
};
#endif

// Seconds on some clock.
static inline double cnet_seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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

// Waits: spins briefly, then gives the processor away, so that more threads than processors still get on.
enum { CNET_SPINS = 1000 };
template <class Condition> static inline void cnet_wait_while(Condition condition, int most_spins = CNET_SPINS) {
    for (int spins = 0; condition(); spins++) {
        if (spins < most_spins) cnet_relax();
        else cnet_yield();
    }
}

// A pointer that several threads read and one of them replaces.
template <class T> struct Shared {
    std::atomic<T*> value;
    Shared() : value(nullptr) {}
    T* get() const { return value.load(std::memory_order_acquire); }
    // false, and no change, where it was not `from`.
    bool change(T* from, T* to) { return value.compare_exchange_strong(from, to, std::memory_order_acq_rel); }
};

// A flag that one thread raises and another waits for.

struct Flag {
    std::atomic<int> value;
    Flag() : value(0) {}
    void set(int v) { value.store(v, std::memory_order_release); }
    int get() const { return value.load(std::memory_order_acquire); }
    // From one value to another; false, and no change, where it was not `from`.
    bool change(int from, int to) {
        return value.compare_exchange_strong(from, to, std::memory_order_acq_rel);
    }
    void wait_while(int v, int most_spins = CNET_SPINS) const {
        cnet_wait_while([&] { return get() == v; }, most_spins);
    }
    // For so many seconds at most, and not longer where the clock of the day is set meanwhile.
    void poll_while(int v, double seconds) const {
        double began = cnet_seconds();
        for (;;) {
            for (int i = 0; i < 16; i++) {
                if (get() != v) return;
                cnet_relax();
            }
            double passed = cnet_seconds() - began;
            if (!(passed >= 0 && passed < seconds)) return;
        }
    }
};

// Pieces of work that threads take as they come. Who joins late finds fewer, or none.
//
// Members take several at once, and fewer towards the end: what they ask each other costs as much as
// a small piece. Even threads take them from the front and odd ones from the back, so that most
// pieces stay with whom they were in the call before, and what they touch in that one's caches.
struct WorkQueue {
    int pieces;
    char apart[64];
    std::atomic<uint64_t> taken;  // from the front, and (upper half) from the back
    char apart_too[64];
    std::atomic<int> finished;
    WorkQueue() : pieces(0), taken(0), finished(0) {}
    void fill(int n) {
        pieces = n;
        taken.store(0, std::memory_order_relaxed);
        finished.store(0, std::memory_order_relaxed);
    }
    // Takes pieces begin..end; false where none are left.
    bool take(int thread, int threads, ptrdiff_t* first, ptrdiff_t* last) {
        uint64_t now = taken.load(std::memory_order_relaxed);
        for (;;) {
            ptrdiff_t front = (ptrdiff_t)(now & 0xffffffffu), back = (ptrdiff_t)(now >> 32);
            ptrdiff_t left = pieces - front - back;
            ptrdiff_t n = (left + 2 * threads - 1) / (2 * threads);
            if (left <= 0) return false;
            if (threads == 1) n = left;
            *first = thread & 1 ? pieces - back - n : front;
            *last = *first + n;
            uint64_t then = now + (thread & 1 ? (uint64_t)n << 32 : (uint64_t)n);
            if (taken.compare_exchange_weak(now, then, std::memory_order_relaxed)) return true;
        }
    }
    void finish(ptrdiff_t n) {
        if (n) finished.fetch_add((int)n, std::memory_order_acq_rel);
    }
    // Until all are finished, whoever took them.
    void wait() const {
        cnet_wait_while([&] { return finished.load(std::memory_order_acquire) < pieces; });
    }
};

struct Barrier {
    std::atomic<int> arrived;
    char separate[64];
    Flag phase;
    // None where there are more threads than processors: who spins keeps another from arriving.
    int spins;
    char separate_too[64];
    // Nanoseconds that threads have waited in all, not counting waits that ended while they still spun.
    std::atomic<int64_t> waited;
    Barrier() : arrived(0), spins(CNET_SPINS), waited(0) {}
    void wait(int threads) {
        if (threads == 1) return;
        int now = phase.get();
        if (arrived.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
            arrived.store(0, std::memory_order_relaxed);
            phase.set(now + 1);
        } else {
            for (int i = 0; i < spins; i++) {
                if (phase.get() != now) return;
                cnet_relax();
            }
            wait_long(now);
        }
    }
    void wait_long(int now) {
        double began = cnet_seconds();
        phase.wait_while(now, 0);
        double seconds = cnet_seconds() - began;
        // A clock of the day may be set meanwhile.
        if (seconds > 0 && seconds < 10) waited.fetch_add((int64_t)(1e9 * seconds), std::memory_order_relaxed);
    }
    double seconds_waited() const { return 1e-9 * (double)waited.load(std::memory_order_relaxed); }
    void forget_waits() { waited.store(0, std::memory_order_relaxed); }
};

#endif
