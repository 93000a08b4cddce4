# cython: language_level=3
"""The threads that share one piece of work.

Workers are started when first needed and then parked: asleep on a lock, at no
cost, until the next piece of work. Several callers may work at once; each takes
workers of its own from those that are parked. Python's portable threads and
locks are used, which work without the GIL and without a run-time of their own.
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
    MAX_MEMBERS = 256

ctypedef struct Worker:
    PyThread_type_lock wake
    Flag* done
    Work work
    void* job
    int me
    int members

cdef Worker* parked[MAX_MEMBERS]
cdef int n_parked = 0
cdef int n_started = 0
cdef PyThread_type_lock pool_lock = PyThread_allocate_lock()


cdef void live(void* argument) noexcept nogil:
    """A worker's life: sleep, work, say so, sleep."""
    cdef Worker* worker = <Worker*>argument
    while True:
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        worker.work(worker.job, worker.me, worker.members)
        worker.done.set(1)


cdef Worker* start() noexcept:
    """A new worker, or NULL where the system gives no more threads."""
    cdef Worker* worker = <Worker*>malloc(sizeof(Worker))
    cdef void* flag = malloc(sizeof(Flag))
    if worker is NULL or flag is NULL:
        free(worker)
        free(flag)
        return NULL
    memset(worker, 0, sizeof(Worker))
    worker.done = cnet_construct[Flag](flag)
    worker.wake = PyThread_allocate_lock()
    if worker.wake is not NULL:
        PyThread_acquire_lock(worker.wake, WAIT_LOCK)
        if PyThread_start_new_thread(live, worker) != NO_THREAD:
            return worker
        PyThread_free_lock(worker.wake)
    free(flag)
    free(worker)
    return NULL


cdef int run(Work work, void* job, int members) except -1:
    """Call work(job, me, members) once for each member; return when all have ended.

    The caller is member 0. Where the system gives fewer threads, there are fewer
    members: work must not depend on their number.
    """
    global n_parked, n_started
    cdef Worker* mine[MAX_MEMBERS]
    cdef int i, found = 0
    members = max(1, min(members, MAX_MEMBERS))
    if members > 1:
        PyThread_acquire_lock(pool_lock, WAIT_LOCK)
        while found < members - 1 and n_parked > 0:
            n_parked -= 1
            mine[found] = parked[n_parked]
            found += 1
        # Never more workers than can be parked again.
        while found < members - 1 and n_started < MAX_MEMBERS:
            mine[found] = start()
            if mine[found] is NULL:
                break
            n_started += 1
            found += 1
        PyThread_release_lock(pool_lock)
    members = found + 1
    with nogil:
        for i in range(found):
            mine[i].work = work
            mine[i].job = job
            mine[i].me = i + 1
            mine[i].members = members
            mine[i].done.set(0)
            PyThread_release_lock(mine[i].wake)
        work(job, 0, members)
        for i in range(found):
            mine[i].done.wait_while(0)
    if found:
        PyThread_acquire_lock(pool_lock, WAIT_LOCK)
        for i in range(found):
            parked[n_parked] = mine[i]
            n_parked += 1
        PyThread_release_lock(pool_lock)
    return members


def _forget():
    """In a child after a fork: the parent's threads are not here."""
    global n_parked, n_started, pool_lock
    n_parked = 0
    n_started = 0
    pool_lock = PyThread_allocate_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def cores():
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
