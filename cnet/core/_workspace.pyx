# cython: language_level=3
"""Room for rows on their way through the layers, and how much of it there must be."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from ._dispatch cimport active
from ._memory cimport Memory
from ._scan cimport copies_of_inputs
from .jobs cimport BatchJob
from .structs cimport (
    CNET_BLOCK_ROWS, CNET_FLOAT32, CNET_FLOAT64, CNET_MANY_ZEROS, CNET_STORED_SLOPE, CNET_STRIP_ROWS, CNET_TILE,
    CNET_TILE_BYTES, CNET_UINT8, CNET_ZEROS_VECTORS, Inputs, Kernels, Layer, Layers, SparseRows, Workspace, Tiling, real,
)


cdef extern from *:
    """
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    #endif
    // out = a, transposed, four by four.
    template <class T> static inline void transpose_4x4(const T* a, ptrdiff_t ld, T* out, ptrdiff_t ld_out) {
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) out[j * ld_out + i] = a[i * ld + j];
    }
    #if defined(__SSE2__) || defined(_M_X64)
    template <> inline void transpose_4x4(const float* a, ptrdiff_t ld, float* out, ptrdiff_t ld_out) {
        __m128 r0 = _mm_loadu_ps(a), r1 = _mm_loadu_ps(a + ld), r2 = _mm_loadu_ps(a + 2 * ld);
        __m128 r3 = _mm_loadu_ps(a + 3 * ld);
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
        _mm_storeu_ps(out, r0);
        _mm_storeu_ps(out + ld_out, r1);
        _mm_storeu_ps(out + 2 * ld_out, r2);
        _mm_storeu_ps(out + 3 * ld_out, r3);
    }
    #endif
    """
    void transpose_4x4[T](const T* a, Py_ssize_t ld, T* out, Py_ssize_t ld_out) noexcept nogil


cdef enum:
    SQUARE = 16
    # Products of fewer rows, and those that are one panel wide, do without scratch.
    ROWS_WORTH_PACKING = 24
    # Elements of a gradient's rows that one thread sums before it steps, about; and the most rows.
    GRADIENT_SIZE = 32768
    GRADIENT_ROWS = 72
    # The same where these rows are the units of whole words of bitmaps: 64 rows of 512 and a vector.
    ALIGNED_GRADIENT_SIZE = 33792


cdef Py_ssize_t whole_vectors(Py_ssize_t n, int lanes) noexcept nogil:
    return (n + lanes - 1) // lanes * lanes

# What an operation of a sparse first layer counts beside others, about: so that two threads, which take some 20
# microseconds to come together, are not slower than one (784-50-10, images, AVX2 on Zen 5: 60 rows 83 us, with one 55;
# 150 rows 121 and 127).
cdef double SPARSE_OPERATION = 1.5
# Zeros are looked at, too; and the few rows that told the density may have been the emptiest.
cdef double LOOKED_AT = 0.05


cdef Py_ssize_t padded(Py_ssize_t n, int lanes, Py_ssize_t size) noexcept nogil:
    """Elements from one row to the next: whole vectors, and no multiple of a large power
    of two, with which the rows would compete for the same few lines of a cache."""
    cdef Py_ssize_t length = whole_vectors(n, lanes)
    if length * size % 1024 == 0:
        length += lanes
    return length


cdef int allocate_workspace(
    Workspace[real]* workspace, const Layers[real]* net, const Kernels[real]* kernels, const Inputs* x,
    const Tiling* tiling,
    Py_ssize_t capacity, int threads, bint backward, bint zeroed, bint stepped, bint dropping, Memory memory,
) except -1:
    """A workspace for `capacity` rows at once, which so many threads share.

    `stepped`: there is room for the gradients of an optimizer's steps. `dropping`: every hidden layer's slopes are
    stored; else only those that do not follow from the activations.

    What lies between a row's end and the next row's beginning is computed with and never used;
    but where it reaches the padding of weights that are checked, it must begin at zero (`zeroed`).
    """
    cdef int l, lanes = kernels.lanes
    cdef Py_ssize_t widest = 0
    memset(workspace, 0, sizeof(Workspace[real]))
    for l in range(1 if x.sparse else 0, net.n_layers):
        widest = max(widest, net.layer[l].n_out)
        if backward and l > 0:
            widest = max(widest, net.layer[l].n_in)
    if capacity >= ROWS_WORTH_PACKING and widest > kernels.panel:
        workspace.scratch = <real*>memory.allocate(threads * kernels.scratch * sizeof(real))
    workspace.capacity = capacity
    for l in range(net.n_layers):
        workspace.ld[l] = padded(net.layer[l].n_out, lanes, sizeof(real))
        workspace.z[l] = <real*>memory.allocate_for(capacity * workspace.ld[l] * sizeof(real), zeroed)
        if backward:
            workspace.d[l] = <real*>memory.allocate_for(capacity * workspace.ld[l] * sizeof(real), zeroed)
        if backward and l < net.n_layers - 1 and (
                dropping or active().activations.words[net.layer[l].activation].property & CNET_STORED_SLOPE):
            workspace.slope[l] = <real*>memory.allocate_for(capacity * workspace.ld[l] * sizeof(real), zeroed)
    if backward:
        for l in range(net.n_layers):
            widest = max(widest, workspace.ld[l])
        workspace.zeros = <const real*>memory.allocate_zeroed(widest * sizeof(real))
    if stepped:
        workspace.gradient_size = CNET_TILE * CNET_TILE_BYTES // sizeof(real)
        for l in range(net.n_layers):
            workspace.gradient_size = max(workspace.gradient_size, workspace.ld[l] * max(
                rows_of_step(workspace.ld[l]), aligned_rows_of_step(workspace.ld[l])))
        workspace.gradient = <real*>memory.allocate(threads * workspace.gradient_size * sizeof(real))
    workspace.margin = <double*>memory.allocate(capacity * sizeof(double))
    workspace.total = <double*>memory.allocate(capacity * sizeof(double))
    workspace.correct = <uint8_t*>memory.allocate(capacity)
    if x.sparse:
        # Only on the way back are whole words of rows transposed over.
        workspace.sparse.capacity = (capacity + CNET_TILE - 1) // CNET_TILE * CNET_TILE if backward else capacity
        if backward or x.starts is NULL:
            # Forward alone, compressed rows are read where they stand.
            allocate_sparse_rows(&workspace.sparse, x, tiling, sizeof(real),
                                 copies_of_inputs(tiling.n_parts, net.layer[0].n_out, sizeof(real), threads), memory)
        workspace.sums = <real*>memory.allocate_for(
            tiling.n_parts * workspace.sparse.capacity * workspace.ld[0] * sizeof(real), zeroed)
    elif x.in_place:
        workspace.ld_x = x.stride
    else:
        workspace.ld_x = padded(x.n_in, lanes, sizeof(real))
        workspace.x = <real*>memory.allocate(capacity * workspace.ld_x * sizeof(real))
    return 0


cdef int allocate_moved(Workspace[real]* workspace, const Layers[real]* net, Memory memory) except -1:
    """Room for the derivatives by dense inputs, along which they are moved."""
    cdef Py_ssize_t widest = workspace.ld_x
    cdef int l
    for l in range(net.n_layers):
        widest = max(widest, workspace.ld[l])
    workspace.d_x = <real*>memory.allocate_zeroed(workspace.capacity * workspace.ld_x * sizeof(real))
    workspace.zeros = <const real*>memory.allocate_zeroed(widest * sizeof(real))
    return 0


cdef int watch_zeros(
    Workspace[real]* workspace, const Layers[real]* net, const Kernels[real]* kernels, const Inputs* x,
    bint backward, bint dropping, Memory memory,
) except -1:
    """Room for bitmaps of those hidden layers many of whose values are zero, if products wide enough to pass over zeros
    (kernels/zeros.pxi) take them. A forward pass then decides by each block of rows whether they do; of passes forward
    and back the caller decides: here for the first of them, later by `count_zeros`. And room for the bitmaps of dense
    inputs, where the rows that were looked at have many zeros."""
    cdef Py_ssize_t n, words = 0, width = CNET_ZEROS_VECTORS * kernels.lanes
    cdef int l
    workspace.decides = not backward
    if workspace.scratch is NULL:
        return 0
    for l in range(net.n_layers - 1):
        n = net.layer[l].n_out
        if n >= CNET_TILE and (net.layer[l + 1].n_out >= width or backward and l > 0 and net.layer[l].n_in >= width) and (
                dropping or active().activations.words[net.layer[l].activation].property & CNET_MANY_ZEROS):
            workspace.words[l] = (n + CNET_TILE - 1) // CNET_TILE
            words = max(words, workspace.words[l])
            workspace.nonzero[l] = <uint64_t*>memory.allocate(
                workspace.capacity * workspace.words[l] * sizeof(uint64_t))
            workspace.n_nonzero[l] = <int32_t*>memory.allocate(workspace.capacity * sizeof(int32_t))
            workspace.passes_zeros[l] = backward
    # Bitmaps are made of whole vectors, of which the last one of a row in place may reach beyond the array.
    if x.many_zeros and x.n_in >= CNET_TILE and net.layer[0].n_out >= width and not (
            x.in_place and x.n_in % kernels.lanes):
        workspace.words_x = (x.n_in + CNET_TILE - 1) // CNET_TILE
        workspace.nonzero_x = <uint64_t*>memory.allocate(workspace.capacity * workspace.words_x * sizeof(uint64_t))
    workspace.most_words = words
    if backward and words:
        workspace.nonzero_d = <uint64_t*>memory.allocate(workspace.capacity * words * sizeof(uint64_t))
    return 0


cdef void count_zeros(const BatchJob[real]* done, BatchJob[real]* next) noexcept nogil:
    """Whether the next batch's products pass over zeros: if a quarter of this batch's values are zero, or more.

    One thread decides for all, by all rows: a thread's own rows would tell how many threads there are.
    """
    cdef int64_t total
    cdef Py_ssize_t r
    cdef int l
    for l in range(done.layers.n_layers - 1):
        if done.workspace.nonzero[l] is not NULL:
            total = 0
            for r in range(done.rows):
                total += done.workspace.n_nonzero[l][r]
            next.workspace.passes_zeros[l] = 4 * total <= 3 * done.rows * done.layers.layer[l].n_out


cdef Py_ssize_t rows_of_step(Py_ssize_t ld) noexcept nogil:
    """Weight rows whose gradient is summed before a step: whole strips of a product."""
    return max(1, min(GRADIENT_ROWS, GRADIENT_SIZE // ld) // CNET_STRIP_ROWS) * CNET_STRIP_ROWS


cdef Py_ssize_t aligned_rows_of_step(Py_ssize_t ld) noexcept nogil:
    """The same where products pass over zeros: 64 rows, a word of their inputs' bitmaps, or half as many, ..."""
    cdef Py_ssize_t rows = CNET_TILE
    while rows > CNET_STRIP_ROWS and rows * ld > ALIGNED_GRADIENT_SIZE:
        rows //= 2
    return rows


cdef int allocate_sparse_rows(
    SparseRows* rows, const Inputs* x, const Tiling* tiling, Py_ssize_t item, int copies, Memory memory
) except -1:
    """Room for the inputs of rows.capacity sparse rows, tile by tile, in so many copies."""
    if x.source == CNET_UINT8:
        item = 1
    rows.copy_bytes = tiling.n_tiles * rows.capacity * CNET_TILE * item
    # Zeros are written up to a whole word of rows, also behind the last tile.
    rows.copy_words = tiling.n_tiles * rows.capacity + CNET_TILE
    rows.values = memory.allocate(copies * rows.copy_bytes)
    rows.mask = <uint64_t*>memory.allocate(copies * rows.copy_words * sizeof(uint64_t))
    return 0


cdef int allocate_layers(Layers[real]* to, const Layers[real]* net, int lanes, int first_transposed,
                         Memory memory) except -1:
    """Room for parameters like net's, zero, with rows padded to whole vectors; and for transposed weights, from a layer on."""
    cdef Layer[real]* layer
    cdef int l
    to.n_layers = net.n_layers
    to.loss = net.loss
    to.loss_parameter = net.loss_parameter
    for l in range(net.n_layers):
        layer = &to.layer[l]
        layer.n_in = net.layer[l].n_in
        layer.n_out = net.layer[l].n_out
        layer.activation = net.layer[l].activation
        layer.ld = padded(layer.n_out, lanes, sizeof(real))
        layer.weight = <real*>memory.allocate_zeroed(layer.n_in * layer.ld * sizeof(real))
        layer.bias = <real*>memory.allocate_zeroed(layer.ld * sizeof(real))
        layer.ld_transposed = padded(layer.n_in, lanes, sizeof(real))
        layer.transposed = NULL
        if l >= first_transposed:
            layer.transposed = <real*>memory.allocate_zeroed(layer.n_out * layer.ld_transposed * sizeof(real))
    return 0


cdef int allocate_transposed(Layers[real]* to, const Layers[real]* net, int lanes, Memory memory) except -1:
    """The same parameters, and room for the upper layers' weights, transposed: refresh_transposed fills it."""
    cdef Layer[real]* layer
    cdef int l
    to[0] = net[0]
    for l in range(1, net.n_layers):
        layer = &to.layer[l]
        layer.ld_transposed = padded(layer.n_in, lanes, sizeof(real))
        layer.transposed = <real*>memory.allocate_zeroed(layer.n_out * layer.ld_transposed * sizeof(real))
    return 0


cdef void copy_parameters(Layers[real]* to, const Layers[real]* net) noexcept nogil:
    """Parameters between stacks whose rows stand at different distances."""
    cdef const Layer[real]* source
    cdef Layer[real]* target
    cdef Py_ssize_t i
    cdef int l
    for l in range(net.n_layers):
        source = &net.layer[l]
        target = &to.layer[l]
        for i in range(source.n_in):
            memcpy(target.weight + i * target.ld, source.weight + i * source.ld, source.n_out * sizeof(real))
        memcpy(target.bias, source.bias, source.n_out * sizeof(real))
        refresh_transposed(to, l, 0, target.n_in)


cdef void refresh_transposed(Layers[real]* net, int l, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """The transposed copy of a layer's weight rows begin..end, if it keeps one, in squares that a cache holds."""
    cdef Layer[real]* layer = &net.layer[l]
    cdef Py_ssize_t i0 = begin, j0
    if layer.transposed is NULL:
        return
    while i0 < end:
        j0 = 0
        while j0 < layer.n_out:
            transpose(min(SQUARE, end - i0), min(SQUARE, layer.n_out - j0), layer.weight + i0 * layer.ld + j0,
                      layer.ld,
                      layer.transposed + j0 * layer.ld_transposed + i0, layer.ld_transposed)
            j0 += SQUARE
        i0 += SQUARE


cdef inline void transpose(
    Py_ssize_t n_rows, Py_ssize_t n_columns, const real* a, Py_ssize_t ld, real* out, Py_ssize_t ld_out
) noexcept nogil:
    """out (n_columns, n_rows) = a (n_rows, n_columns), transposed."""
    cdef Py_ssize_t i, j = 0, whole = n_rows // 4 * 4
    while j + 4 <= n_columns:
        for i in range(0, whole, 4):
            transpose_4x4(a + i * ld + j, ld, out + j * ld_out + i, ld_out)
        for i in range(whole, n_rows):
            out[j * ld_out + i] = a[i * ld + j]
            out[(j + 1) * ld_out + i] = a[i * ld + j + 1]
            out[(j + 2) * ld_out + i] = a[i * ld + j + 2]
            out[(j + 3) * ld_out + i] = a[i * ld + j + 3]
        j += 4
    while j < n_columns:
        for i in range(n_rows):
            out[j * ld_out + i] = a[i * ld + j]
        j += 1


cdef bint usable_in_place(const Inputs* x, const Layers[real]* of_type) noexcept nogil:
    """Whether dense inputs are of the network's type already."""
    if real is float:
        return not x.sparse and x.source == CNET_FLOAT32
    else:
        return not x.sparse and x.source == CNET_FLOAT64


cdef double operations(const Layers[real]* layers, Py_ssize_t rows, double density, bint backward) noexcept nogil:
    """Floating-point operations of one forward pass, and with `backward` of the gradient.

    A share `density` of the inputs is gone through. Less than 1, it is a sparse layer's, whose operations take longer:
    each counts as SPARSE_OPERATION of others.
    """
    cdef double count = 2.0 * rows * layers.layer[0].n_in * layers.layer[0].n_out
    cdef int l
    if density < 1:
        count *= max(density, LOOKED_AT) * SPARSE_OPERATION
    # Nobody asks for derivatives by the inputs.
    count *= 2 if backward else 1
    for l in range(1, layers.n_layers):
        count += (6.0 if backward else 2.0) * rows * layers.layer[l].n_in * layers.layer[l].n_out
    return count


cdef Py_ssize_t block_rows(Py_ssize_t n_in, bint sparse) noexcept nogil:
    """How many rows go through the layers at once; by the sizes alone.

    Dense inputs of that many rows take some 8 MB at most; sparse ones fill whole words of
    the bitmaps by column, and take some 256 MB at most.
    """
    if sparse:
        return max(CNET_TILE, min((1 << 25) // n_in, CNET_BLOCK_ROWS) // CNET_TILE * CNET_TILE)
    return max(32, min((1 << 21) // n_in, CNET_BLOCK_ROWS))
