# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t

from ._memory cimport Memory
from .structs cimport Inputs, Kernels, Tiling, real

cdef int threads_for(double operations, int asked) except -1
cdef int64_t count_rows(
    const Kernels[real]* kernels, const Inputs* x, const int64_t* index, Py_ssize_t rows, int64_t* count, int n_threads
) except -1
cdef int check_finite(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t n_rows, int n_threads) except -1
cdef double choose_first_layer(
    const Kernels[real]* kernels, Inputs* x, Py_ssize_t n_rows, str first_layer, bint* checked
) except -1
cdef bint finite_after(
    const Kernels[real]* kernels, const Inputs* x, Py_ssize_t first, const uint8_t* suspect, Py_ssize_t begin,
    Py_ssize_t end
) noexcept nogil
cdef int raise_not_finite(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t n_rows) except -1
cdef bint passing_over_zeros_pays(const Inputs* x, Py_ssize_t rows, int64_t nonzero) noexcept
cdef bint sparse_pays(const Inputs* x, Py_ssize_t rows, int64_t nonzero, str first_layer) except -1
# What one thread takes of a sparse first layer: some parts; of them, some units, with its own copy of the inputs.
ctypedef struct FirstLayerShare:
    int begin, end, copy
    Py_ssize_t begin_unit, end_unit

cdef int parts_for(Py_ssize_t n_hidden) noexcept nogil
cdef int most_threads_of(Py_ssize_t n_hidden, Py_ssize_t size) noexcept nogil
cdef int copies_of_inputs(int n_parts, Py_ssize_t n_hidden, Py_ssize_t size, int threads) noexcept nogil
cdef FirstLayerShare whole_parts(int begin, int end, Py_ssize_t n_hidden) noexcept nogil
cdef FirstLayerShare share_of_first_layer(
    int n_parts, Py_ssize_t n_hidden, Py_ssize_t size, int thread, int threads
) noexcept nogil
cdef int take_tiling(
    Tiling* tiling, const Inputs* x, int parts, const int64_t* index, Py_ssize_t rows, Memory memory
) except -1
