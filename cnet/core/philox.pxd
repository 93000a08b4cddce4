# cython: language_level=3
"""Philox4x32-10: the one source of random numbers in compiled code.

A counter-based generator: the four words depend on the key and the counter
alone, so any thread can draw any sample's numbers without a shared state.

The constants are those of J. K. Salmon, M. A. Moraes, R. O. Dror and
D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""
from libc.stdint cimport uint32_t, uint64_t

# What a number is drawn for: the last word of the counter, so that two uses
# of one seed never meet.
cdef enum Purpose:
    PURPOSE_SAMPLE = 1    # rows of a mini-batch, drawn with replacement
    PURPOSE_SHUFFLE = 2   # the order of an epoch
    PURPOSE_DIGITS = 3    # drawn digits
    PURPOSE_DROPOUT = 4   # the key of an iteration's dropout
    PURPOSE_AUGMENT = 5   # the key of a distorted image


cdef inline void philox4x32(
    uint64_t key, uint64_t sample, uint32_t epoch, uint32_t purpose, uint32_t* out
) noexcept nogil:
    """Fill out[4] from the counter (sample low, sample high, epoch, purpose)."""
    cdef uint32_t k0 = <uint32_t>key
    cdef uint32_t k1 = <uint32_t>(key >> 32)
    cdef uint32_t c0 = <uint32_t>sample
    cdef uint32_t c1 = <uint32_t>(sample >> 32)
    cdef uint32_t c2 = epoch
    cdef uint32_t c3 = purpose
    cdef uint64_t p0, p1
    cdef int _round
    for _round in range(10):
        p0 = <uint64_t>0xD2511F53u * c0
        p1 = <uint64_t>0xCD9E8D57u * c2
        c0 = <uint32_t>(p1 >> 32) ^ c1 ^ k0
        c1 = <uint32_t>p1
        c2 = <uint32_t>(p0 >> 32) ^ c3 ^ k1
        c3 = <uint32_t>p0
        k0 += 0x9E3779B9u
        k1 += 0xBB67AE85u
    out[0] = c0
    out[1] = c1
    out[2] = c2
    out[3] = c3


cdef inline uint64_t bounded(uint32_t word, uint64_t n) noexcept nogil:
    """Map a word to 0..n-1 (n at most 2**32), even to one part in 2**32 / n."""
    return (<uint64_t>word * n) >> 32
