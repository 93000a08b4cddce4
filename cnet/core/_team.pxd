# cython: language_level=3
ctypedef void (*Work)(void* job, int me, int members) noexcept nogil

cdef extern from "threads.h" nogil:
    cdef cppclass Flag:
        Flag() noexcept
        void set(int) noexcept
        int get() noexcept
        int test_and_set() noexcept
        void wait_while(int) noexcept

    cdef cppclass Barrier:
        Barrier() noexcept
        int spins
        void wait(int members) noexcept

    double cnet_seconds() noexcept

cdef int run(Work work, void* job, int members) except -1

cdef inline Py_ssize_t share(Py_ssize_t n, int me, int members) noexcept nogil:
    """Where member `me`'s part of n things begins (and member me - 1's ends)."""
    return n * me // members

cdef inline bint tick_is_over(double started) noexcept nogil:
    """Whether a fit's tick (40 ms), begun at `started`, has ended: it comes back then, to publish and to see
    signals. A clock of the day may run backwards: then, too, the tick is over."""
    return not (0 <= cnet_seconds() - started < 0.04)
