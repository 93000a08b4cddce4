# cython: language_level=3
"""The threads that share one piece of work.

Workers are started when first needed and then parked: asleep on a lock, at no
cost, until the next piece of work. Several callers may work at once; each takes
workers of its own from those that are parked. Python's portable threads and
locks are used, which work without the GIL and without a run-time of their own.

To wake a thread takes tens of microseconds, as long as a small call in all. So a
caller calls its team as early as it knows that there will be work, and goes on
preparing it; and where the work is a pile of pieces, who has not come by the end is
called off and not waited for.
"""
import os

from libc.stdlib cimport free, malloc
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_release_lock,
    PyThread_type_lock, WAIT_LOCK,
)
from libc.string cimport memset

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
    CALLED      # its lock is open; the work is not known yet
    READY       # the same, and the work is known
    CALLED_OFF  # its lock is open, but there is nothing to do any more
    HERE        # awake, and waits for work (itself, from CALLED)
    WORKING     # (itself, from READY; the caller, from HERE)

cdef struct Worker:
    PyThread_type_lock wake
    Flag* state
    Work work
    void* job
    int me
    int members
    Worker* next

cdef Worker* parked = NULL
cdef int n_started = 0
cdef int n_forks = 0  # between the first process and this one
cdef PyThread_type_lock pool_lock = PyThread_allocate_lock()


cdef void live(void* argument) noexcept nogil:
    """A worker's life: sleep, work, say so, sleep."""
    cdef Worker* worker = <Worker*>argument
    while True:
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        if comes(worker):
            worker.work(worker.job, worker.me, worker.members)
            worker.state.set(PARKED)


cdef bint comes(Worker* worker) noexcept nogil:
    """Awake now: is there still work? Returns when it is known which."""
    while True:
        if worker.state.change(READY, WORKING):
            return True
        if worker.state.change(CALLED_OFF, PARKED):
            return False
        if worker.state.change(CALLED, HERE):
            worker.state.wait_while(HERE)
            return worker.state.get() == WORKING


cdef Worker* start() noexcept:
    """A new worker, or NULL where the system gives no more threads."""
    cdef Worker* worker = <Worker*>malloc(sizeof(Worker))
    cdef void* flag = malloc(sizeof(Flag))
    if worker is NULL or flag is NULL:
        free(worker)
        free(flag)
        return NULL
    memset(worker, 0, sizeof(Worker))
    worker.state = cnet_construct[Flag](flag)
    worker.wake = PyThread_allocate_lock()
    if worker.wake is not NULL:
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        if PyThread_start_new_thread(live, worker) != NO_THREAD:
            return worker
        PyThread_free_lock(worker.wake)
    free(flag)
    free(worker)
    return NULL


cdef class Team:
    """The caller, who is member 0, and workers taken from those that are parked.

    They go back when the object ends, at the latest.
    """

    def __cinit__(self):
        self.workers = NULL
        self.members = 1

    def __dealloc__(self):
        self.dismiss()

    cdef int call(self, int members) except -1:
        """Wake workers up, for work that is not known yet.

        Where the system gives fewer threads, there are fewer members: work must not
        depend on their number.
        """
        global parked, n_started
        cdef Worker* worker
        if self.workers is not NULL or members <= 1:
            return 0
        PyThread_acquire_lock(pool_lock, WAIT_LOCK)
        while self.members < members:
            if parked is not NULL:
                worker = parked
                parked = worker.next
            elif n_started < MAX_WORKERS:
                worker = start()
                if worker is NULL:
                    break
                n_started += 1
            else:
                break
            worker.me = self.members
            worker.next = self.workers
            self.workers = worker
            self.members += 1
        PyThread_release_lock(pool_lock)
        self.n_forks = n_forks
        worker = self.workers
        while worker is not NULL:
            if not worker.state.change(CALLED_OFF, CALLED):
                worker.state.set(CALLED)
                PyThread_release_lock(worker.wake)
            worker = worker.next
        return 0

    cdef int share_out(self, Work work, void* job) except -1:
        """Call work(job, me, members) once for each member that comes in time; return when all have ended.

        The work must be a pile of pieces, which is done when the caller's own call of it has ended. The
        workers are dismissed.
        """
        with nogil:
            self.begin(work, job)
            work(job, 0, self.members)
            self.end(False)
        self.dismiss()
        return 0

    cdef void begin(self, Work work, void* job) noexcept nogil:
        """Tell the workers what the work is."""
        cdef Worker* worker = self.workers
        while worker is not NULL:
            worker.work = work
            worker.job = job
            worker.members = self.members
            if not worker.state.change(CALLED, READY):
                worker.state.change(HERE, WORKING)
            worker = worker.next

    cdef void end(self, bint all_come) noexcept nogil:
        """Wait for those at work, and unless all come, call off the others."""
        cdef Worker* worker = self.workers
        while worker is not NULL:
            if all_come:
                worker.state.wait_while(READY)
            else:
                worker.state.change(READY, CALLED_OFF)
            worker.state.wait_while(WORKING)
            worker = worker.next

    cdef void dismiss(self) noexcept:
        """Give the workers back."""
        global parked
        cdef Worker* first = self.workers
        cdef Worker* worker = first
        cdef Worker* last = NULL
        self.workers = NULL
        self.members = 1
        # A handler of signals may fork between a call and its end: the child has none of the threads.
        if worker is NULL or self.n_forks != n_forks:
            return
        while worker is not NULL:
            # No work came of it: an error, or a call that turned out small.
            if not worker.state.change(CALLED, CALLED_OFF):
                worker.state.change(HERE, PARKED)
            last = worker
            worker = worker.next
        PyThread_acquire_lock(pool_lock, WAIT_LOCK)
        last.next = parked
        parked = first
        PyThread_release_lock(pool_lock)


cdef int run(Work work, void* job, int members) except -1:
    """Call work(job, me, members) once for each member; return when all have ended.

    All come: the work may hold barriers.
    """
    cdef Team team = Team()
    team.call(members)
    members = team.members
    with nogil:
        team.begin(work, job)
        work(job, 0, members)
        team.end(True)
    team.dismiss()
    return members


def _forget():
    """In a child after a fork: the parent's threads are not here."""
    global parked, n_started, n_forks, pool_lock
    n_forks += 1
    parked = NULL
    n_started = 0
    pool_lock = PyThread_allocate_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def cores():
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
