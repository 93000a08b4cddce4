# cython: language_level=3
ctypedef void (*Work)(void* job, int thread, int threads) noexcept nogil

cdef extern from "threads.h" nogil:
    cdef cppclass Flag:
        Flag() noexcept
        void set(int) noexcept
        int get() noexcept
        bint change(int, int) noexcept
        void wait_while(int) noexcept
        void poll_while(int, double) noexcept

    cdef cppclass WorkQueue:
        WorkQueue() noexcept
        void fill(int pieces) noexcept
        bint take(int thread, int threads, Py_ssize_t* first, Py_ssize_t* last) noexcept
        void finish(Py_ssize_t pieces) noexcept
        void wait() noexcept

    cdef cppclass Barrier:
        Barrier() noexcept
        int spins
        void wait(int threads) noexcept
        double seconds_waited() noexcept
        void forget_waits() noexcept

    double cnet_seconds() noexcept

cdef struct Worker
cdef struct Pool

cdef class Team:
    cdef Worker* workers
    cdef Pool* pool
    cdef readonly int threads
    cdef int wake(self, int threads) except -1
    cdef int run_tasks(self, Work work, void* job) except -1
    cdef void begin(self, Work work, void* job) noexcept nogil
    cdef void end(self, bint all_come) noexcept nogil
    cdef void forget_after_fork(self) noexcept
    cdef void release(self) noexcept

cdef int run(Work work, void* job, int threads) except -1

cdef int allowed(int asked) except -1

cdef inline Py_ssize_t share_begin(Py_ssize_t n, int thread, int threads) noexcept nogil:
    """Where thread `thread`'s part of n things begins (and thread thread - 1's ends)."""
    return n * thread // threads

cdef inline Py_ssize_t pieces_of(Py_ssize_t n, Py_ssize_t block) noexcept nogil:
    """How many blocks of so many (the last perhaps of fewer) n things make."""
    return (n + block - 1) // block

# Seconds of a fit's tick, after which it joins back to publish and to see signals.
cdef enum:
    TICK_MILLISECONDS = 40

cdef inline bint tick_is_over(double started, double tick) noexcept nogil:
    """Whether a tick of so many seconds, begun at `started`, has ended. A clock of the day may run backwards: then,
    too, the tick is over."""
    return not (0 <= cnet_seconds() - started < tick)
