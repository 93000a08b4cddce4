# cython: language_level=3
"""The threads that share one piece of work.

Workers are started when first needed and then parked: asleep on a lock, at no
cost, until the next piece of work. Several callers may work at once; each takes
workers of its own from those that are parked. Python's portable threads and
locks are used, which work without the GIL and without a runtime of their own.

To wake a thread takes tens of microseconds, as long as a small call in all, and longer on virtual machines. So a
caller calls its team as early as it knows that there will be work, and goes on
preparing it; where the work is a queue of pieces, who has not come by the end is
called off and not waited for; and a worker whose last rest was a short one polls for a while before it sleeps:
calls in a loop find it awake. A program that rests costs nothing.

A child after a fork has none of its parent's threads, and not everything that forks tells Python of it.
So the pool of workers knows its process, and whoever takes workers from it, or hands out work, compares.
"""
import os

from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_release_lock,
    PyThread_type_lock, WAIT_LOCK,
)
from libc.string cimport memset

from .floats cimport IeeeFloats
from .processors import thread_limit

cdef extern from "threads.h" nogil:
    cdef cppclass Shared[T]:
        Shared() noexcept
        T* get() noexcept
        bint change(T*, T*) noexcept
    long cnet_process() noexcept
    int cnet_processor() noexcept
    long cnet_thread_id() noexcept
    cdef cppclass Places:
        Places() noexcept
        bint take(int processor) noexcept
        bint keep_off(long thread) noexcept
        void allow(long thread) noexcept

cdef extern from "pythread.h" nogil:
    unsigned long PyThread_start_new_thread(void (*)(void*) noexcept nogil, void*) noexcept

cdef extern from * nogil:
    """
    #include <new>
    template <class T> static T* cnet_construct(void* place) { return new (place) T(); }
    """
    T* cnet_construct[T](void* place) noexcept

# What PyThread_start_new_thread answers when there is no more thread to be had.
cdef unsigned long NO_THREAD = <unsigned long>-1

cdef enum:
    MAX_WORKERS = 255

# Where a worker stands. Each change is one compare-and-swap: by its caller, or by itself where marked.
cdef enum:
    PARKED      # asleep on its lock, or about to be
    WOKEN      # its lock is open; the work is not known yet
    READY       # the same, and the work is known
    CANCELLED  # its lock is open, but there is nothing to do any more
    WAITING        # awake, and waits for work (itself, from WOKEN)
    WORKING     # (itself, from READY; the caller, from WAITING)

# A worker that rested shorter than this polls next time, for so long at most, before it sleeps.
cdef double SHORT_REST = 3e-4
cdef double POLL_SECONDS = 1e-4

cdef struct Worker:
    PyThread_type_lock wake
    Flag* state
    Flag* processor   # on which it woke last, or -1
    long thread_id
    Work work
    void* job
    int thread
    int threads
    Worker* next

cdef class IeeeArithmetic:
    """``with IeeeArithmetic():`` NumPy's arithmetic in this thread, too, is that of IEEE 754 (see floats.h)."""

    cdef IeeeFloats floats

    def __enter__(self):
        self.floats.begin()

    def __exit__(self, *_):
        self.floats.end()


cdef struct Pool:
    long process            # whose threads these are
    PyThread_type_lock lock
    Worker* parked
    int n_started

cdef Shared[Pool] shared_pool


cdef Pool* this_process_pool() noexcept:
    """The pool of workers, a new one in a child after a fork; NULL where there is no memory for it.

    A child's first caller finds its parent's pool, whose lock somebody may have held, and leaves it untouched.
    """
    cdef Pool* found = shared_pool.get()
    cdef Pool* new
    if found is not NULL and found.process == cnet_process():
        return found
    new = <Pool*>malloc(sizeof(Pool))
    if new is NULL:
        return NULL
    memset(new, 0, sizeof(Pool))
    new.process = cnet_process()
    new.lock = PyThread_allocate_lock()
    if new.lock is not NULL and shared_pool.change(found, new):
        return new
    # Another thread of this process was first.
    if new.lock is not NULL:
        PyThread_free_lock(new.lock)
    free(new)
    found = shared_pool.get()
    return found if found is not NULL and found.process == cnet_process() else NULL


cdef void live(void* argument) noexcept nogil:
    """A worker's life: sleep, work, say so, sleep."""
    cdef Worker* worker = <Worker*>argument
    # A thread begins with the control word of whoever happened to start it.
    cdef IeeeFloats floats
    cdef double parked, rest = INFINITY
    floats.begin()
    worker.thread_id = cnet_thread_id()
    parked = cnet_seconds()
    while True:
        if 0 <= rest < SHORT_REST:
            # Its caller is likely to come back before a sleeping thread would be awake.
            worker.state.poll_while(PARKED, POLL_SECONDS)
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        rest = cnet_seconds() - parked
        worker.processor.set(cnet_processor())
        if joins(worker):
            worker.work(worker.job, worker.thread, worker.threads)
            worker.state.set(PARKED)
        parked = cnet_seconds()


cdef bint joins(Worker* worker) noexcept nogil:
    """Awake now: is there still work? Returns when it is known which."""
    while True:
        if worker.state.change(READY, WORKING):
            return True
        if worker.state.change(CANCELLED, PARKED):
            return False
        if worker.state.change(WOKEN, WAITING):
            worker.state.wait_while(WAITING)
            return worker.state.get() == WORKING


cdef Worker* start() noexcept:
    """A new worker, or NULL where the system gives no more threads."""
    cdef Worker* worker = <Worker*>malloc(sizeof(Worker))
    cdef void* flags = malloc(2 * sizeof(Flag))
    if worker is NULL or flags is NULL:
        free(worker)
        free(flags)
        return NULL
    memset(worker, 0, sizeof(Worker))
    worker.state = cnet_construct[Flag](flags)
    worker.processor = cnet_construct[Flag](worker.state + 1)
    worker.processor.set(-1)
    worker.wake = PyThread_allocate_lock()
    if worker.wake is not NULL:
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        if PyThread_start_new_thread(live, worker) != NO_THREAD:
            return worker
        PyThread_free_lock(worker.wake)
    free(flags)
    free(worker)
    return NULL


cdef void wake_each(Worker* worker) noexcept:
    """Wake these workers, each on another processor than its caller and those before it, if that is possible."""
    cdef Places places
    cdef bint kept_off
    while worker is not NULL:
        if not worker.state.change(CANCELLED, WOKEN):
            worker.state.set(WOKEN)
            kept_off = not places.take(worker.processor.get()) and places.keep_off(worker.thread_id)
            PyThread_release_lock(worker.wake)
            if kept_off:
                places.allow(worker.thread_id)
        worker = worker.next


cdef class Team:
    """The caller, who is thread 0, and workers taken from those that are parked.

    They go back when the object ends, at the latest.
    """

    def __cinit__(self):
        self.workers = NULL
        self.threads = 1

    def __dealloc__(self):
        self.forget_after_fork()
        self.release()

    cdef int wake(self, int threads) except -1:
        """Wake workers up, for work that is not known yet.

        Where the system gives fewer threads, there are fewer threads: work must not
        depend on their number.
        """
        cdef Pool* pool
        cdef Worker* worker
        if self.workers is not NULL or threads <= 1:
            return 0
        pool = this_process_pool()
        if pool is NULL:
            return 0
        PyThread_acquire_lock(pool.lock, WAIT_LOCK)
        while self.threads < threads:
            if pool.parked is not NULL:
                worker = pool.parked
                pool.parked = worker.next
            elif pool.n_started < MAX_WORKERS:
                worker = start()
                if worker is NULL:
                    break
                pool.n_started += 1
            else:
                break
            worker.thread = self.threads
            worker.next = self.workers
            self.workers = worker
            self.threads += 1
        PyThread_release_lock(pool.lock)
        self.pool = pool
        wake_each(self.workers)
        return 0

    cdef int run_tasks(self, Work work, void* job) except -1:
        """Call work(job, thread, threads) once for each thread that joins in time; return when all have ended.

        The work must be a queue of pieces, which is done when the caller's own call of it has ended. The
        workers are dismissed.
        """
        cdef IeeeFloats floats
        floats.begin()
        self.forget_after_fork()
        with nogil:
            self.begin(work, job)
            work(job, 0, self.threads)
            self.end(False)
        self.release()
        return 0

    cdef void begin(self, Work work, void* job) noexcept nogil:
        """Tell the workers what the work is."""
        cdef Worker* worker = self.workers
        while worker is not NULL:
            worker.work = work
            worker.job = job
            worker.threads = self.threads
            if not worker.state.change(WOKEN, READY):
                worker.state.change(WAITING, WORKING)
            worker = worker.next

    cdef void end(self, bint all_come) noexcept nogil:
        """Wait for those at work, and unless all come, call off the others."""
        cdef Worker* worker = self.workers
        while worker is not NULL:
            if all_come:
                worker.state.wait_while(READY)
            else:
                worker.state.change(READY, CANCELLED)
            worker.state.wait_while(WORKING)
            worker = worker.next

    cdef void forget_after_fork(self) noexcept:
        """In a child after a fork: workers that were called before it are not here."""
        if self.workers is not NULL and self.pool.process != cnet_process():
            self.workers = NULL
            self.threads = 1

    cdef void release(self) noexcept:
        """Give the workers back."""
        cdef Worker* first
        cdef Worker* worker
        cdef Worker* last = NULL
        first = worker = self.workers
        self.workers = NULL
        self.threads = 1
        if first is NULL:
            return
        while worker is not NULL:
            # No work came of it: an error, or a call that transposed out small.
            if not worker.state.change(WOKEN, CANCELLED):
                worker.state.change(WAITING, PARKED)
            last = worker
            worker = worker.next
        PyThread_acquire_lock(self.pool.lock, WAIT_LOCK)
        last.next = self.pool.parked
        self.pool.parked = first
        PyThread_release_lock(self.pool.lock)


cdef int run(Work work, void* job, int threads) except -1:
    """Call work(job, thread, threads) once for each thread; return when all have ended.

    All come: the work may hold barriers.
    """
    cdef IeeeFloats floats
    cdef Team team = Team()
    floats.begin()
    team.wake(threads)
    threads = team.threads
    with nogil:
        team.begin(work, job)
        work(job, 0, threads)
        team.end(True)
    team.release()
    return threads


def _forget():
    """In a child after a fork that Python knows of: also where it has its parent's process id (in a new namespace)."""
    cdef Pool* pool = shared_pool.get()
    if pool is not NULL:
        pool.process = -1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


# Two functions, in whose place tests put others: they may have more threads than processors.

def cores():
    """How many threads a call may choose to use: see ``processors``."""
    return thread_limit()


def most_threads():
    """How many threads a call may use where a number was asked for. More would only wait for each other."""
    return thread_limit()


cdef int allowed(int asked) except -1:
    """How many threads a call may use that was asked to use at most so many (0: not asked)."""
    if asked == 1:
        return 1
    return min(asked, <int>most_threads()) if asked else <int>cores()
