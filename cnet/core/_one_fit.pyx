# cython: language_level=3
"""Only one fit at a time may train a network.

The whole of a fit is called from compiled code, which takes hold of the network before and lets go of it
after. No Python code runs in between, so a signal cannot come between taking hold and the promise to let go,
and the network is let go of whatever ends the fit. (A context manager cannot promise that: an interrupt may
come before its ``__exit__`` is called.)
"""
import os

cimport cython
from libc.stdint cimport uint64_t

from ._network cimport Network

cdef extern from *:
    """
    #include <atomic>
    static unsigned long long cnet_thread_number(void) {
        static std::atomic<unsigned long long> last(0);
        static thread_local unsigned long long mine = ++last;
        return mine;
    }
    """
    # The number of this thread: unlike identifiers of threads, none has the number of one that has ended. The
    # thread that forks keeps its number in the child; threads that begin in the child get higher ones.
    uint64_t cnet_thread_number() noexcept

# After a fork by Python: the child, and its only thread, which goes on with what it did.
cdef object forked = 0
cdef uint64_t survivor = 0


def alone(Network net not None, function):
    """Call function() while no other fit can train the network; return what it returns.

    Raises
    ------
    RuntimeError
        If another fit trains it.
    """
    cdef object process = os.getpid()
    cdef uint64_t thread = cnet_thread_number()
    cdef bint taken
    with cython.critical_section(net):
        taken = is_held(net, process, thread)
        if not taken:
            net.held_by_process, net.held_by_thread = process, thread
            net.asked_to_stop = False
    if taken:
        raise RuntimeError("this network is being trained already; one fit at a time")
    try:
        return function()
    finally:
        with cython.critical_section(net):
            net.held_by_thread = 0


def request_stop(Network net not None):
    """Ask the fit that trains a network, if there is one, to end: it reads `asked_to_stop`."""
    cdef object process = os.getpid()
    cdef uint64_t thread = cnet_thread_number()
    with cython.critical_section(net):
        if is_held(net, process, thread):
            net.asked_to_stop = True


cdef bint is_held(Network net, object process, uint64_t thread):
    """Whether a fit holds the network, by a thread that is in this process.

    A child after a fork has the parent's memory, but none of its threads except for the one that forked.
    """
    if net.held_by_thread == 0:
        return False
    return (
        net.held_by_process == process or net.held_by_thread == thread
        or (forked == process and net.held_by_thread == survivor)
    )


def _remember_fork():
    global forked, survivor
    forked, survivor = os.getpid(), cnet_thread_number()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember_fork)
