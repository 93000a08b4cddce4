# cython: language_level=3
"""The dense product alone, over padded copies of arrays: for tests and benchmarks."""
from libc.stdint cimport uint64_t

import numpy as np

from ._arrays cimport FLOATS, Elements, copy_rows, elements
from ._dispatch cimport active
from ._memory cimport Memory
from ._workspace cimport padded
from ._team cimport allowed, cnet_seconds, run, share_begin
from .floats cimport IeeeFloats
from .structs cimport CNET_TILE, Kernels, real

cdef extern from *:
    """
    template <class T> struct ProductJob {
        const Kernels<T>* kernels;
        ptrdiff_t m, n, depth, a_row, a_step, ld_b, ld_c;
        const T *a, *b;
        T *c, *scratch;
        uint64_t *mask;
        ptrdiff_t words;
        int repeats;
    };
    """
    cdef cppclass ProductJob[T]:
        const Kernels[T]* kernels
        Py_ssize_t m, n, depth, a_row, a_step, ld_b, ld_c
        const T* a
        const T* b
        T* c
        T* scratch
        # Bitmaps of a's rows, of so many words each; or NULL: the dense product.
        uint64_t* mask
        Py_ssize_t words
        int repeats


cdef void multiply32(void* job, int thread, int threads) noexcept nogil:
    multiply_share(<ProductJob[float]*>job, thread, threads)


cdef void multiply64(void* job, int thread, int threads) noexcept nogil:
    multiply_share(<ProductJob[double]*>job, thread, threads)


cdef void multiply_share(ProductJob[real]* job, int thread, int threads) noexcept nogil:
    """This thread's rows of c = c + a . b, several times over."""
    cdef Py_ssize_t first = share_begin(job.m, thread, threads), last = share_begin(job.m, thread + 1, threads)
    cdef int _
    for _ in range(job.repeats):
        if job.mask is not NULL:
            job.kernels.nonzero_product(
                last - first, job.n, job.depth, job.a + first * job.a_row, job.a_row, job.a_step,
                job.mask + first * job.words, job.words, 1, job.b, job.ld_b, <real>1, job.c + first * job.ld_c,
                job.ld_c, job.c + first * job.ld_c, job.ld_c, job.scratch + thread * job.kernels.scratch)
            continue
        job.kernels.product(
            last - first, job.n, job.depth, job.a + first * job.a_row, job.a_row, job.a_step, job.b, job.ld_b,
            <real>1, job.c + first * job.ld_c, job.ld_c, job.c + first * job.ld_c, job.ld_c,
            job.scratch + thread * job.kernels.scratch)


cdef void mark_nonzero(ProductJob[real]* job) noexcept:
    """Bitmaps of the rows of a, which may be transposed."""
    cdef Py_ssize_t i, k
    for i in range(job.m):
        for k in range(job.depth):
            if job.a[i * job.a_row + k * job.a_step] != 0:
                job.mask[i * job.words + k // CNET_TILE] |= <uint64_t>1 << (k % CNET_TILE)


cdef object multiply_as(
    const Kernels[real]* kernels, object a, object b, bint transposed, bint over_zeros, int repeats, int threads
):
    cdef ProductJob[real] job
    cdef Memory memory = Memory()
    cdef Elements left = elements(a, FLOATS, sizeof(real), 2, False)
    cdef Elements right = elements(b, FLOATS, sizeof(real), 2, False)
    cdef Py_ssize_t ld_a = padded(left.columns, kernels.lanes, sizeof(real))
    cdef real* a_copy = <real*>memory.allocate_zeroed(left.rows * ld_a * sizeof(real))
    cdef real* b_copy
    cdef double started
    job.kernels = kernels
    job.scratch = <real*>memory.allocate(threads * kernels.scratch * sizeof(real))
    job.m, job.depth, job.n = left.columns if transposed else left.rows, right.rows, right.columns
    job.ld_b = job.ld_c = padded(job.n, kernels.lanes, sizeof(real))
    b_copy = <real*>memory.allocate_zeroed(job.depth * job.ld_b * sizeof(real))
    job.c = <real*>memory.allocate_zeroed(job.m * job.ld_c * sizeof(real))
    copy_rows(left.rows, left.columns, <const real*>left.data, left.columns, a_copy, ld_a)
    copy_rows(job.depth, job.n, <const real*>right.data, job.n, b_copy, job.ld_b)
    job.a, job.b = a_copy, b_copy
    job.a_row = 1 if transposed else ld_a
    job.a_step = ld_a if transposed else 1
    job.repeats = repeats
    job.mask = NULL
    job.words = (job.depth + CNET_TILE - 1) // CNET_TILE
    if over_zeros:
        job.mask = <uint64_t*>memory.allocate_zeroed(job.m * job.words * sizeof(uint64_t))
        if transposed:
            mark_nonzero(&job)
        else:
            kernels.find_nonzero(job.m, job.depth, job.a, ld_a, job.mask, NULL)
    started = cnet_seconds()
    run(multiply32 if real is float else multiply64, &job, threads)
    started = cnet_seconds() - started
    out = np.empty((job.m, job.n), np.float32 if real is float else np.float64)
    copy_rows(job.m, job.n, job.c, job.ld_c, <real*>elements(out, FLOATS, sizeof(real), 2, True).data, job.n)
    return out, started


def multiply(a, b, *, bint transposed=False, bint over_zeros=False, int repeats=1, int n_threads=1):
    """repeats * (a . b), or with a transposed, and the seconds that the products took.

    Parameters
    ----------
    a : numpy.ndarray, shape (m, k), or (k, m) where transposed
    b : numpy.ndarray of the same dtype, float32 or float64, shape (k, n)
    transposed : bool
    over_zeros : bool
        By the kernel that passes over the zeros of a; the result has the same bits.
    repeats, n_threads : int

    Returns
    -------
    (numpy.ndarray of shape (m, n), float)

    Raises
    ------
    ValueError
        If the types or shapes do not fit together, or one is empty.
    """
    cdef IeeeFloats floats
    floats.begin()
    if a.dtype != b.dtype or a.dtype not in (np.float32, np.float64):
        raise ValueError(f"expected two arrays of float32 or of float64, got {a.dtype} and {b.dtype}")
    if a.ndim != 2 or b.ndim != 2 or a.shape[0 if transposed else 1] != b.shape[0] or not a.size or not b.size:
        raise ValueError(f"the shapes {a.shape} and {b.shape} do not fit")
    n_threads = allowed(n_threads)
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    if a.dtype == np.float32:
        return multiply_as[float](&active().float32, a, b, transposed, over_zeros, repeats, n_threads)
    return multiply_as[double](&active().float64, a, b, transposed, over_zeros, repeats, n_threads)
