# cython: language_level=3
from libc.stdint cimport int64_t

from ._memory cimport Memory
from .jobs cimport BatchJob
from .structs cimport Dropout, Inputs, Kernels, SparseRows, Layers, Workspace, Tiling, real

cdef Py_ssize_t whole_vectors(Py_ssize_t n, int lanes) noexcept nogil
cdef Py_ssize_t rows_of_step(Py_ssize_t ld) noexcept nogil
cdef Py_ssize_t aligned_rows_of_step(Py_ssize_t ld) noexcept nogil
cdef Py_ssize_t padded(Py_ssize_t n, int lanes, Py_ssize_t size) noexcept nogil
cdef int allocate_workspace(
    Workspace[real]* workspace, const Layers[real]* net, const Kernels[real]* kernels, const Inputs* x,
    const Tiling* tiling,
    Py_ssize_t capacity, int threads, bint backward, bint zeroed, bint stepped, bint dropping, Memory memory,
) except -1
cdef int watch_zeros(
    Workspace[real]* workspace, const Layers[real]* net, const Kernels[real]* kernels, const Inputs* x,
    bint backward, bint dropping, Memory memory,
) except -1
cdef void count_zeros(const BatchJob[real]* done, BatchJob[real]* next) noexcept nogil
cdef int allocate_sparse_rows(
    SparseRows* rows, const Inputs* x, const Tiling* tiling, Py_ssize_t item, int copies, Memory memory
) except -1
cdef int allocate_layers(Layers[real]* to, const Layers[real]* net, int lanes, int first_transposed, Memory memory) except -1
cdef int allocate_moved(Workspace[real]* workspace, const Layers[real]* net, Memory memory) except -1
cdef int allocate_transposed(Layers[real]* to, const Layers[real]* net, int lanes, Memory memory) except -1
cdef void copy_parameters(Layers[real]* to, const Layers[real]* net) noexcept nogil
cdef void refresh_transposed(Layers[real]* net, int l, Py_ssize_t begin, Py_ssize_t end) noexcept nogil
cdef bint usable_in_place(const Inputs* x, const Layers[real]* of_type) noexcept nogil
cdef double operations(const Layers[real]* layers, Py_ssize_t rows, double density, bint backward) noexcept nogil
cdef Py_ssize_t block_rows(Py_ssize_t n_in, bint sparse) noexcept nogil
