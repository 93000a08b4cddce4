# cython: language_level=3
"""Looking through the inputs before work begins: finite? how many zeros? where?"""
from libc.stdint cimport int32_t, int64_t, uint8_t

from ._memory cimport Memory
from ._team cimport allowed, run, share_begin
from .jobs cimport ScanJob
from .structs cimport CNET_FLOAT32, CNET_MAX_PARTS, CNET_TILE, CNET_TILE_BYTES, CNET_UINT8, Inputs, Kernels, Tiling, real

# Floating-point operations below which waking another thread does not pay.
cdef double OPERATIONS_FOR_A_THREAD = 3e6
# Above this share of non-zeros, the dense product is taken.
cdef double SPARSE_DENSITY = 0.35
# The same for Python.
sparse_density = SPARSE_DENSITY
# Above this share, products do not pass over dense inputs that are zero.
cdef double MANY_ZEROS_DENSITY = 0.67
# Rows that tell how full each column is, and what a column costs beside its non-zeros: as
# much as a column of which so many are not zero.
cdef Py_ssize_t DENSITY_ROWS = 512
cdef double COLUMN_WORK = 0.05
# Neighbouring columns are updated together where the rows in which either is not zero are fewer than this
# share of the non-zeros of both (0.5: always the same rows), in so many rows.
cdef double PAIRED_SHARE = 0.7
cdef Py_ssize_t PAIR_ROWS = 64
# Rows that tell for a single call how many inputs are zero.
cdef Py_ssize_t SAMPLE_ROWS = 16


cdef int threads_for(double operations, int asked) except -1:
    """How many threads work of that size is worth, and at most as many as were asked for (0: no matter how many)."""
    if operations < 2 * OPERATIONS_FOR_A_THREAD:
        return 1
    return <int>min(<double>allowed(asked), operations / OPERATIONS_FOR_A_THREAD)


cdef inline Py_ssize_t item_size(int source) noexcept nogil:
    return 1 if source == CNET_UINT8 else (4 if source == CNET_FLOAT32 else 8)


# Work functions have one signature for both types.

cdef void count32(void* job, int thread, int threads) noexcept nogil:
    count_share(<ScanJob[float]*>job, thread, threads)


cdef void count64(void* job, int thread, int threads) noexcept nogil:
    count_share(<ScanJob[double]*>job, thread, threads)


cdef void count_share(ScanJob[real]* job, int thread, int threads) noexcept nogil:
    cdef Py_ssize_t r
    for r in range(share_begin(job.rows, thread, threads), share_begin(job.rows, thread + 1, threads)):
        job.count[r] = count_row(job.kernels, job.x, job.index[r] if job.index is not NULL else r)


cdef inline int64_t count_row(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t row) noexcept nogil:
    """Non-zeros of a row, or what is wrong: see count_nonzero."""
    if x.starts is not NULL:
        return kernels.count_nonzero(x.source, x.starts[row + 1] - x.starts[row],
                                     <const char*>x.data + x.starts[row] * item_size(x.source))
    return kernels.count_nonzero(
        x.source, x.n_in, <const char*>x.data + row * x.stride * item_size(x.source))


cdef int64_t count_rows(
    const Kernels[real]* kernels, const Inputs* x, const int64_t* index, Py_ssize_t rows, int64_t* count, int n_threads
) except -1:
    """Non-zeros of each of the rows `index` (or the first ones); returns their sum.

    At most `n_threads` threads look (0: as many as the work is worth). Raises ValueError for a value that is not finite.
    """
    cdef ScanJob[real] job
    cdef Py_ssize_t r
    cdef int64_t total = 0
    job.kernels = kernels
    job.x = x
    job.rows = rows
    job.index = index
    job.count = count
    run(count32 if real is float else count64, &job, threads_for(<double>rows * x.n_in, n_threads))
    for r in range(rows):
        if count[r] < 0:
            problem = "not finite (NaN or infinity)" if count[r] == -1 else "too large for float32"
            raise ValueError(f"x has a value that is {problem} in row {index[r] if index is not NULL else r}")
        total += count[r]
    return total


cdef bint sparse_pays(const Inputs* x, Py_ssize_t rows, int64_t nonzero, str first_layer) except -1:
    """Whether to walk the non-zeros only. A matter of the data and the sizes, never of a timing."""
    if x.starts is not NULL:
        return True
    if first_layer == "auto":
        return nonzero < SPARSE_DENSITY * rows * x.n_in
    return first_layer == "sparse"


cdef bint passing_over_zeros_pays(const Inputs* x, Py_ssize_t rows, int64_t nonzero) noexcept:
    """Whether dense inputs hold so many zeros that products had better pass over them. It changes no bit."""
    return not x.sparse and nonzero < MANY_ZEROS_DENSITY * rows * x.n_in


cdef int check_finite(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t n_rows, int n_threads) except -1:
    """Raise ValueError for the first row with a value that the network cannot take. Bytes are always finite."""
    cdef Memory memory
    if x.source != CNET_UINT8:
        memory = Memory()
        count_rows(kernels, x, NULL, n_rows, <int64_t*>memory.allocate(n_rows * sizeof(int64_t)), n_threads)
    return 0


cdef double choose_first_layer(
    const Kernels[real]* kernels, Inputs* x, Py_ssize_t n_rows, str first_layer, bint* checked
) except -1:
    """Choose the first layer's way for a single call, `x.sparse`: a few rows, evenly spread, tell for all.

    Returns the share of the inputs that it goes through: of sparse ones those that are not zero.

    `checked` tells whether all rows are known to be finite; else who takes them through the layers
    looks (`finite_after`).
    """
    cdef Py_ssize_t r, rows = min(n_rows, SAMPLE_ROWS)
    cdef int64_t count, total = 0
    for r in range(rows):
        count = count_row(kernels, x, r * n_rows // rows)
        if count < 0:
            raise_not_finite(kernels, x, n_rows)
        total += count
    checked[0] = rows == n_rows or x.source == CNET_UINT8
    x.sparse = sparse_pays(x, rows, total, first_layer)
    x.many_zeros = passing_over_zeros_pays(x, rows, total)
    return <double>total / (<double>rows * x.n_in) if x.sparse else 1.0


cdef bint finite_after(
    const Kernels[real]* kernels, const Inputs* x, Py_ssize_t first, const uint8_t* suspect, Py_ssize_t begin,
    Py_ssize_t end
) noexcept nogil:
    """Whether rows begin..end behind the `first` hold only what the network can take.

    Dense ones that have gone through the first layer need be looked at only if they were found suspect there
    (suspect: or NULL).
    """
    cdef Py_ssize_t row
    for row in range(begin, end):
        if (suspect is NULL or suspect[row]) and count_row(kernels, x, first + row) < 0:
            return False
    return True


cdef int raise_not_finite(const Kernels[real]* kernels, const Inputs* x, Py_ssize_t n_rows) except -1:
    """Say which row it is."""
    check_finite(kernels, x, n_rows, 1)
    raise RuntimeError("x was changed by another thread while it was read")


cdef int parts_for(Py_ssize_t n_hidden) noexcept nogil:
    """How many parts the columns are cut into where threads share them: by the sizes alone.

    More parts keep more threads busy; but each part's sums travel between processors: four
    instead of two took a twentieth of an iteration at 50 hidden units.
    """
    if n_hidden <= 64:
        return 2
    return 4 if n_hidden < 256 else CNET_MAX_PARTS


cdef inline Py_ssize_t blocks_of_units(Py_ssize_t n_hidden, Py_ssize_t size) noexcept nogil:
    """Blocks of a weight row, CNET_TILE_BYTES each, the last perhaps shorter; a unit has `size` bytes."""
    return (n_hidden * size + CNET_TILE_BYTES - 1) // CNET_TILE_BYTES


cdef int most_threads_of(Py_ssize_t n_hidden, Py_ssize_t size) noexcept nogil:
    """How many threads a sparse first layer has work for: parts, and blocks of units of so many bytes each."""
    return parts_for(n_hidden) * <int>blocks_of_units(n_hidden, size)


cdef int copies_of_inputs(int n_parts, Py_ssize_t n_hidden, Py_ssize_t size, int threads) noexcept nogil:
    """How many threads share the units of each part: 1 up to as many threads as parts."""
    return <int>max(<Py_ssize_t>1, min(<Py_ssize_t>(threads // n_parts), blocks_of_units(n_hidden, size)))


cdef FirstLayerShare whole_parts(int begin, int end, Py_ssize_t n_hidden) noexcept nogil:
    """Parts begin..end with all their units."""
    cdef FirstLayerShare share
    share.begin, share.end, share.copy = begin, end, 0
    share.begin_unit, share.end_unit = 0, n_hidden
    return share


cdef FirstLayerShare share_of_first_layer(
    int n_parts, Py_ssize_t n_hidden, Py_ssize_t size, int thread, int threads
) noexcept nogil:
    """Which parts, and which of their units, one of the threads takes.

    Up to as many threads as parts take whole parts. More share them: each has one part's inputs and some blocks
    of the units. The sums of a unit are the same ones: bits do not change.
    """
    cdef FirstLayerShare share
    cdef Py_ssize_t block = CNET_TILE_BYTES // size
    cdef Py_ssize_t blocks = blocks_of_units(n_hidden, size)
    cdef int copies = copies_of_inputs(n_parts, n_hidden, size, threads)
    if copies == 1:
        return whole_parts(<int>share_begin(n_parts, thread, threads), <int>share_begin(n_parts, thread + 1, threads),
                           n_hidden)
    share.copy = thread // n_parts
    share.begin = thread % n_parts
    share.end = share.begin + (1 if share.copy < copies else 0)
    share.begin_unit = block * share_begin(blocks, share.copy, copies)
    share.end_unit = min(n_hidden, block * share_begin(blocks, share.copy + 1, copies))
    return share


cdef int take_tiling(
    Tiling* tiling, const Inputs* x, int parts, const int64_t* index, Py_ssize_t rows, Memory memory
) except -1:
    """Cut the columns into (at most) so many parts of about the same work, and the parts into tiles.

    `rows` rows (`index`, or the first ones) tell how full each column is; with none of them
    the parts are of one width.
    """
    cdef Memory scratch
    cdef Py_ssize_t n_in = x.n_in, column = 0, end, n, tile
    cdef int part
    cdef double* work = NULL
    cdef int32_t* start
    tiling.n_parts = <int>max(1, min(parts, n_in // 16))
    start = <int32_t*>memory.allocate((n_in // CNET_TILE + 2 * tiling.n_parts + 2) * sizeof(int32_t))
    if rows:
        scratch = Memory()
        work = <double*>scratch.allocate_zeroed((n_in + 1) * sizeof(double))
        work_of_columns(x, index, rows, work)
    tiling.n_tiles = 0
    for part in range(tiling.n_parts):
        tiling.part[part] = tiling.n_tiles
        end = column + 1 if rows else n_in * (part + 1) // tiling.n_parts
        # The next parts have a column each at least.
        while rows and end < n_in - (tiling.n_parts - 1 - part) and (
                part == tiling.n_parts - 1 or work[end] * tiling.n_parts < work[n_in] * (part + 1)):
            end += 1
        n = (end - column + CNET_TILE - 1) // CNET_TILE
        for tile in range(n):
            start[tiling.n_tiles] = column + (end - column) * tile // n
            tiling.n_tiles += 1
        column = end
    tiling.part[tiling.n_parts] = tiling.n_tiles
    start[tiling.n_tiles] = n_in
    tiling.start = start
    pair_columns(tiling, x, index, rows, <uint8_t*>memory.allocate_zeroed(tiling.n_tiles))
    return 0


cdef void pair_columns(
    Tiling* tiling, const Inputs* x, const int64_t* index, Py_ssize_t rows, uint8_t* paired
) noexcept:
    """Where neighbours are mostly zero in the same rows, as in images. `paired` is zero before."""
    cdef Py_ssize_t taken = min(rows, PAIR_ROWS)
    cdef Py_ssize_t tile, i, c, at, nonzero, either
    cdef bint left, right
    tiling.paired = paired
    if x.starts is not NULL:
        return
    for tile in range(tiling.n_tiles):
        nonzero = either = 0
        for i in range(taken):
            at = row_of_sample(index, i, taken, rows) * x.stride
            c = tiling.start[tile]
            while c + 1 < tiling.start[tile + 1]:
                left, right = is_nonzero(x, at + c), is_nonzero(x, at + c + 1)
                nonzero += left + right
                either += left or right
                c += 2
        paired[tile] = either < PAIRED_SHARE * nonzero


cdef inline Py_ssize_t row_of_sample(const int64_t* index, Py_ssize_t i, Py_ssize_t taken, Py_ssize_t rows) noexcept:
    """The i-th of `taken` of the rows `index` (or the first ones), evenly spread."""
    return index[i * rows // taken] if index is not NULL else i * rows // taken


cdef inline bint is_nonzero(const Inputs* x, Py_ssize_t at) noexcept:
    if x.source == CNET_UINT8:
        return (<const uint8_t*>x.data)[at] != 0
    if x.source == CNET_FLOAT32:
        return (<const float*>x.data)[at] != 0
    return (<const double*>x.data)[at] != 0


cdef void work_of_columns(const Inputs* x, const int64_t* index, Py_ssize_t rows, double* work) noexcept:
    """work[c]: what the columns before c cost, each a constant and its share of non-zeros."""
    cdef Py_ssize_t taken = min(rows, DENSITY_ROWS)
    cdef Py_ssize_t i, c, at
    for i in range(taken):
        at = row_of_sample(index, i, taken, rows)
        if x.starts is not NULL:
            for c in range(x.starts[at], x.starts[at + 1]):
                work[x.columns[c] + 1] += is_nonzero(x, c)
            continue
        at *= x.stride
        for c in range(x.n_in):
            work[c + 1] += is_nonzero(x, at + c)
    for c in range(x.n_in):
        work[c + 1] = work[c] + COLUMN_WORK + work[c + 1] / max(1, taken)
