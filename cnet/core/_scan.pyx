# cython: language_level=3
"""Looking through the inputs before work begins: finite? how many zeros? where?"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from ._memory cimport Memory
from ._team cimport run, share
from .jobs cimport ListJob, ScanJob
from .stack cimport CNET_FLOAT32, CNET_UINT8, Inputs, Kernels, Nonzero32, Nonzero64, real

from ._team import cores

# Floating-point operations below which waking another thread does not pay.
cdef double OPERATIONS_FOR_A_THREAD = 4e6
# Above this share of non-zeros, the dense product is taken.
cdef double SPARSE_DENSITY = 0.35
# Columns that fit a pixel's packed word.
cdef Py_ssize_t PIXEL_COLUMNS = 65536
# Rows of bytes that tell for all how many are zero.
cdef Py_ssize_t SAMPLE_ROWS = 64


cdef int members_for(double operations) except -1:
    """How many threads work of that size is worth."""
    if operations < 2 * OPERATIONS_FOR_A_THREAD:
        return 1
    return <int>min(<double>cores(), operations / OPERATIONS_FOR_A_THREAD)


cdef inline Py_ssize_t item_size(int source) noexcept nogil:
    return 1 if source == CNET_UINT8 else (4 if source == CNET_FLOAT32 else 8)


# Work functions have one signature for both types.

cdef void count32(void* job, int me, int members) noexcept nogil:
    count_share(<ScanJob[float]*>job, me, members)


cdef void count64(void* job, int me, int members) noexcept nogil:
    count_share(<ScanJob[double]*>job, me, members)


cdef void count_share(ScanJob[real]* job, int me, int members) noexcept nogil:
    cdef Py_ssize_t stride = job.x.stride * item_size(job.x.source)
    cdef Py_ssize_t r
    cdef int64_t row
    for r in range(share(job.rows, me, members), share(job.rows, me + 1, members)):
        row = job.index[r] if job.index is not NULL else r
        job.count[r] = job.kernels.count_nonzero(
            job.x.source, job.x.n_in, <const char*>job.x.data + row * stride)


cdef int64_t count_rows(
    const Kernels[real]* kernels, const Inputs* x, const int64_t* index, Py_ssize_t rows, int64_t* count
) except -1:
    """Non-zeros of each of the rows `index` (or the first ones); returns their sum.

    Raises ValueError for a value that is not finite.
    """
    cdef ScanJob[real] job
    cdef Py_ssize_t r
    cdef int64_t total = 0
    job.kernels = kernels
    job.x = x
    job.rows = rows
    job.index = index
    job.count = count
    run(count32 if real is float else count64, &job, members_for(<double>rows * x.n_in))
    for r in range(rows):
        if count[r] < 0:
            problem = "not finite (NaN or infinity)" if count[r] == -1 else "too large for float32"
            raise ValueError(f"x has a value that is {problem} in row {index[r] if index is not NULL else r}")
        total += count[r]
    return total


cdef bint sparse_pays(const Inputs* x, Py_ssize_t rows, int64_t nonzero, str first_layer) except -1:
    """Whether to walk the non-zeros only. A matter of the data and the sizes, never of a timing."""
    if x.source == CNET_UINT8 and x.n_in > PIXEL_COLUMNS:
        return False
    if first_layer == "auto":
        return nonzero < SPARSE_DENSITY * rows * x.n_in
    return first_layer == "sparse"


cdef int choose_sparse(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t n_rows, str first_layer) except -1:
    """Check that all rows are finite, and choose the first layer's way for them."""
    cdef Memory memory = Memory()
    cdef int64_t* count
    cdef int64_t* index = NULL
    cdef Py_ssize_t r, rows = n_rows
    if x.source == CNET_UINT8 and n_rows > SAMPLE_ROWS:
        # Bytes are always finite: rows evenly spread tell enough.
        rows = SAMPLE_ROWS
        index = <int64_t*>memory.take(rows * sizeof(int64_t))
        for r in range(rows):
            index[r] = r * n_rows // rows
    count = <int64_t*>memory.take(rows * sizeof(int64_t))
    return sparse_pays(x, rows, count_rows(kernels, x, index, rows, count), first_layer)


cdef void list_share(void* argument, int me, int members) noexcept nogil:
    cdef ListJob* job = <ListJob*>argument
    cdef Py_ssize_t stride = job.x.stride * item_size(job.x.source)
    cdef char* scratch = job.scratch + me * job.x.n_in * job.entry_size
    cdef Py_ssize_t r
    for r in range(share(job.rows, me, members), share(job.rows, me + 1, members)):
        if job.start[r + 1] == job.start[r]:
            continue
        # By way of a scratch row: finding writes one entry past the last it keeps.
        job.find_nonzero(job.x.source, job.x.n_in, <const char*>job.x.data + r * stride, scratch)
        memcpy(job.entries + job.start[r] * job.entry_size, scratch,
               (job.start[r + 1] - job.start[r]) * job.entry_size)


cdef int list_rows(const Kernels[real]* kernels, Inputs* x, Py_ssize_t n_rows, int64_t* start, Memory memory) except -1:
    """Lists of the non-zeros of all rows; row r's will be entries[start[r] .. start[r + 1])."""
    cdef Memory scratch = Memory()
    cdef ListJob job
    cdef int members = members_for(<double>n_rows * x.n_in)
    job.entry_size = sizeof(Nonzero32) if real is float else sizeof(Nonzero64)
    if x.source == CNET_UINT8:
        job.entry_size = 4
    job.find_nonzero = kernels.find_nonzero
    job.x = x
    job.rows = n_rows
    job.start = start
    job.entries = <char*>memory.take(start[n_rows] * job.entry_size)
    job.scratch = <char*>scratch.take(members * x.n_in * job.entry_size)
    run(list_share, &job, members)
    x.start = start
    x.entries = job.entries
    return 0
