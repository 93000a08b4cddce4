# cython: language_level=3
"""Which rows a mini-batch takes. `reference.py` draws the same ones."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from .philox cimport PURPOSE_SAMPLE, PURPOSE_SHUFFLE, bounded, philox4x32


cdef inline void draw_rows(
    uint64_t key, uint32_t epoch, Py_ssize_t first, Py_ssize_t last, uint64_t n_rows, int64_t* out
) noexcept nogil:
    """Draws number begin..end of an epoch, with replacement, from n_rows rows."""
    cdef uint32_t words[4]
    cdef Py_ssize_t draw
    if first >= last:
        return
    philox4x32(key, first >> 2, epoch, PURPOSE_SAMPLE, words)
    for draw in range(first, last):
        if draw & 3 == 0:
            philox4x32(key, draw >> 2, epoch, PURPOSE_SAMPLE, words)
        out[draw - first] = <int64_t>bounded(words[draw & 3], n_rows)


cdef inline void shuffle_rows(uint64_t key, uint32_t epoch, Py_ssize_t n_rows, int64_t* order) noexcept nogil:
    """An epoch's order of all rows: R. A. Fisher and F. Yates' shuffle, in R. Durstenfeld's form."""
    cdef uint32_t words[4]
    cdef Py_ssize_t i, j
    cdef int64_t row
    for i in range(n_rows):
        order[i] = i
    for i in range(n_rows - 1, 0, -1):
        if i & 3 == 3 or i == n_rows - 1:
            philox4x32(key, i >> 2, epoch, PURPOSE_SHUFFLE, words)
        j = <Py_ssize_t>bounded(words[i & 3], i + 1)
        row = order[i]
        order[i] = order[j]
        order[j] = row


cdef inline Py_ssize_t samples_after(
    Py_ssize_t iterations, Py_ssize_t per_epoch, Py_ssize_t batch_size, Py_ssize_t n_rows, bint shuffled
) noexcept nogil:
    """The samples of a fit's first iterations: a shuffled epoch takes each row once."""
    cdef Py_ssize_t epochs = iterations // per_epoch
    if not shuffled:
        return iterations * batch_size
    return epochs * n_rows + min((iterations - epochs * per_epoch) * batch_size, n_rows)
