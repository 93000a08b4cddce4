# cython: language_level=3, nonecheck=True
"""The entry points to the compiled network: every check, the buffers, and what is computed once.

A network is a stack of dense layers. Its parameters are NumPy arrays that callers
may read and write at any time; the kernels work on the same memory.
"""
import sys

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from ._arrays cimport data_of, empty_like
from ._dispatch cimport active
from ._inputs cimport Batch, parse_rows, unlike
from ._memory cimport Memory
from ._gradient cimport gradient_into
from ._scan cimport choose_first_layer, finite_after, threads_for, raise_not_finite, take_tiling
from ._targets cimport parse_targets, parse_weights, sum_of_weights
from ._stages cimport sum_losses
from ._workspace cimport allocate_workspace, operations, usable_in_place, watch_zeros
from ._team cimport Team, pieces_of
from .floats cimport IeeeFloats
from .jobs cimport ForwardJob
from .structs cimport (
    CNET_ACCURACY, CNET_IDENTITY, CNET_MAX_LAYERS, Inputs, Kernels, FirstLayerPass, Layers, Workspace, Targets,
    Vocabulary, real,
)

FIRST_LAYERS = ("auto", "sparse", "dense")

# Rows between two looks at the signals, and the most and fewest that one thread takes through the
# layers at a time (of rows in tiles, for which all weights are loaded anew each time, more).
cdef Py_ssize_t CHUNK = 16384
cdef Py_ssize_t ROWS = 64
cdef Py_ssize_t FEW_ROWS = 12
cdef Py_ssize_t FEW_TILED_ROWS = 32


cdef struct Sums:
    double loss
    double correct


cdef class Network:
    """A stack of dense layers: parameters, and passes through them.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, inputs first.
    activations : str or tuple of str
        Of every hidden layer, or one for each.
    dtype : numpy.dtype
        float32 or float64.
    loss : str
        What the last layer's scores stand for, and how they are compared with targets.
    loss_parameter : float
        Of a loss that has one.
    weight_decay : float
        The factor of the L2 penalty in `gradient` and in fits.
    """

    # Called once for each object, and before anything else can be: no pointer is ever missing or stale.
    def __cinit__(self, sizes, activations, dtype, loss="cross_entropy", double loss_parameter=0,
                  double weight_decay=0):
        if not isinstance(sizes, tuple) or not isinstance(activations, (str, tuple)) or not isinstance(loss, str):
            raise TypeError("expected a tuple of sizes, names of activations and the name of a loss")
        if not 2 <= len(sizes) <= CNET_MAX_LAYERS + 1:
            raise ValueError(f"expected 1 to {CNET_MAX_LAYERS} layers, got {len(sizes) - 1}")
        for size in sizes:
            if type(size) is not int:
                raise TypeError(f"a size must be an int, got {type(size).__name__}")
            if not 1 <= size < 2**31:
                raise ValueError("a size must be from 1 to 2147483647")
        if isinstance(activations, str):
            activations = (activations,) * (len(sizes) - 2)
        if len(activations) != len(sizes) - 2:
            raise ValueError(
                f"expected an activation for each of {len(sizes) - 2} hidden layers, got {len(activations)}")
        for activation in activations:
            place_of(&active().activations, activation)
        place_of(&active().losses, loss)
        self.dtype = np.dtype(dtype)
        if self.dtype != np.float32 and self.dtype != np.float64:
            raise TypeError(f"dtype must be float32 or float64, got {self.dtype}")
        self.sizes = sizes
        self.n_out = sizes[len(sizes) - 1]
        self.activations, self.loss, self.loss_parameter = activations, loss, loss_parameter
        self.weight_decay = weight_decay
        self.is_float32 = self.dtype == np.float32
        self.first_layer = self.forced_first_layer = "auto"
        self.watches_zeros = True
        self.held_by_process = None
        self.held_by_thread = 0
        self.asked_to_stop = False
        # Loops and not comprehensions, here and wherever this is compiled: under the limited API, comprehensions
        # drop a reference twice where there is no memory for a small object.
        weights, biases = [], []
        for n_in, n_out in zip(sizes, sizes[1:]):
            weights.append(padded_zeros((n_in, n_out), self.dtype))
            biases.append(padded_zeros((n_out,), self.dtype))
        self.weights, self.biases = tuple(weights), tuple(biases)
        if self.is_float32:
            point_to(&self.layers32, self.weights, self.biases, self)
        else:
            point_to(&self.layers64, self.weights, self.biases, self)

    cdef int compare(self, Batch x) except -1:
        """Tell `on_unlike` of inputs that look scaled otherwise than those that the network was trained on."""
        if self.trained_on and self.on_unlike is not None and unlike(&x.rows, x.n_rows, self.trained_on):
            self.on_unlike(self.trained_on)
        return 0

    @property
    def activation(self):
        """The hidden layers' activation where it is one, else a tuple."""
        for activation in self.activations:
            if activation != self.activations[0]:
                return self.activations
        return self.activations[0] if self.activations else ()

    @property
    def has_accuracy(self):
        """Whether outputs can be classified right: a matter of the loss."""
        return bool(active().losses.words[place_of(&active().losses, self.loss)].property & CNET_ACCURACY)

    cdef str way_of_first_layer(self):
        """How single calls go through the first layer: as the last fit did, so that sums have one order."""
        return self.first_layer if self.forced_first_layer == "auto" else self.forced_first_layer

    def predict(self, x):
        """Predictions (B, O) of inputs (B, I); (O,) of a single sample."""
        cdef IeeeFloats floats
        floats.begin()
        cdef Batch batch = parse_rows(x, self.sizes[0], self.dtype)
        cdef Sums sums
        self.compare(batch)
        out = np.empty((batch.n_rows, self.n_out), self.dtype)
        if self.is_float32:
            forward_all(self, &self.layers32, &active().float32, batch, <float*>data_of(out), NULL, &sums, 0)
        else:
            forward_all(self, &self.layers64, &active().float64, batch, <double*>data_of(out), NULL, &sums, 0)
        return out[0] if batch.single else out

    def loss_and_accuracy(self, x, t, bint compare=False, int n_threads=0, weight=None):
        """The mean loss, and the share of samples that are classified right (None: it has no meaning).

        At most `n_threads` threads compute them (0: as many as the work is worth). `weight` are the samples'.
        """
        cdef IeeeFloats floats
        floats.begin()
        cdef Batch batch = parse_rows(x, self.sizes[0], self.dtype)
        cdef Memory memory = Memory()
        cdef double* weights = parse_weights(weight, batch.n_rows, memory)
        cdef double divisor = sum_of_weights(weights, batch.n_rows)
        cdef Targets[float] targets32
        cdef Targets[double] targets64
        cdef Sums sums
        if self.is_float32:
            targets32 = parse_targets(t, batch.single, batch.n_rows, &self.layers32, 0, memory)
            targets32.weight = weights
        else:
            targets64 = parse_targets(t, batch.single, batch.n_rows, &self.layers64, 0, memory)
            targets64.weight = weights
        if compare:
            self.compare(batch)
        sums.loss = sums.correct = 0
        if self.is_float32:
            forward_all(self, &self.layers32, &active().float32, batch, <float*>NULL, &targets32, &sums, n_threads)
        else:
            forward_all(self, &self.layers64, &active().float64, batch, <double*>NULL, &targets64, &sums, n_threads)
        return sums.loss / divisor, sums.correct / divisor if self.has_accuracy else None

    def gradient(self, x, t, weight=None):
        """Derivatives of the loss, without the penalty, by every weight and bias: two tuples of arrays."""
        return self.loss_and_gradient(x, t, weight)[1:]

    def loss_and_gradient(self, x, t, weight=None):
        """The mean loss, without the penalty, and its derivatives by weights and biases: a float, two tuples of arrays."""
        cdef IeeeFloats floats
        floats.begin()
        cdef Batch batch = parse_rows(x, self.sizes[0], self.dtype)
        cdef Memory memory = Memory()
        cdef double* sample_weights = parse_weights(weight, batch.n_rows, memory)
        cdef double loss = 0
        cdef double divisor = sum_of_weights(sample_weights, batch.n_rows)
        cdef Targets[float] targets32
        cdef Targets[double] targets64
        cdef Layers[float] result32
        cdef Layers[double] result64
        if self.is_float32:
            targets32 = parse_targets(t, batch.single, batch.n_rows, &self.layers32, 0, memory)
            targets32.weight = sample_weights
        else:
            targets64 = parse_targets(t, batch.single, batch.n_rows, &self.layers64, 0, memory)
            targets64.weight = sample_weights
        self.compare(batch)
        weights, biases = empty_like(self.weights), empty_like(self.biases)
        if self.is_float32:
            point_to(&result32, weights, biases, self)
            gradient_into(&result32, &self.layers32, &active().float32, batch, &targets32, divisor,
                          self.way_of_first_layer(), &loss, memory)
        else:
            point_to(&result64, weights, biases, self)
            gradient_into(&result64, &self.layers64, &active().float64, batch, &targets64, divisor,
                          self.way_of_first_layer(), &loss, memory)
        return loss / divisor, weights, biases


cdef int place_of(const Vocabulary* vocabulary, object name) except -1:
    """The number of a word; an error names them all."""
    cdef int i
    names = []
    for i in range(vocabulary.n):
        known = vocabulary.words[i].name.decode()
        if known == name:
            return i
        names.append(known)
    raise ValueError(f"expected one of {', '.join(names)}, got {name!r}")


def vocabularies():
    """The names that the kernels know: activations, losses and optimizers."""
    return {
        "activations": words_of(&active().activations),
        "losses": words_of(&active().losses),
        "optimizers": words_of(&active().optimizers),
    }


cdef tuple words_of(const Vocabulary* vocabulary):
    cdef int i
    names = []
    for i in range(vocabulary.n):
        names.append(vocabulary.words[i].name.decode())
    return tuple(names)


def padded_zeros(shape, dtype):
    """Contiguous zeros, after which a whole vector may still be read."""
    cdef object n = 1  # of any size
    for size in shape:
        n *= size
    if n > (sys.maxsize - 4096) // dtype.itemsize:
        raise MemoryError(f"an array of shape {shape} is too large for this machine")
    return np.zeros(n + 64 // dtype.itemsize, dtype)[:n].reshape(shape)


cdef int point_to(Layers[real]* layers, tuple weights, tuple biases, Network net) except -1:
    """Let a stack's pointers show arrays, whose owner keeps them alive."""
    cdef int l
    layers.n_layers = len(weights)
    layers.loss = place_of(&active().losses, net.loss)
    layers.loss_parameter = net.loss_parameter
    for l in range(layers.n_layers):
        layers.layer[l].n_in, layers.layer[l].n_out = weights[l].shape
        layers.layer[l].ld = layers.layer[l].n_out
        layers.layer[l].activation = CNET_IDENTITY
        if l < layers.n_layers - 1:
            layers.layer[l].activation = place_of(&active().activations, net.activations[l])
        layers.layer[l].weight = <real*>data_of(weights[l])
        layers.layer[l].bias = <real*>data_of(biases[l])
        layers.layer[l].transposed = NULL
        layers.layer[l].ld_transposed = 0
    return 0


# Work functions have one signature for both types.

cdef void forward32(void* job, int thread, int threads) noexcept nogil:
    forward(<ForwardJob[float]*>job, thread, threads)


cdef void forward64(void* job, int thread, int threads) noexcept nogil:
    forward(<ForwardJob[double]*>job, thread, threads)


cdef void forward(ForwardJob[real]* job, int thread, int threads) noexcept nogil:
    """Blocks of rows, as long as there are any: probabilities into out, or losses."""
    cdef FirstLayerPass[real] first_layer_pass
    cdef Workspace[real] workspace = job.workspaces[thread]
    cdef Inputs x = job.x[0]
    cdef Py_ssize_t first, last, block, start, done = 0
    memset(&first_layer_pass, 0, sizeof(first_layer_pass))
    first_layer_pass.tiling = &job.tiling
    first_layer_pass.source = x.source
    first_layer_pass.layer = &job.layers.layer[0]
    first_layer_pass.ld = workspace.ld[0]
    first_layer_pass.end_unit = job.layers.layer[0].n_out
    first_layer_pass.x = &x
    first_layer_pass.next = &workspace.sparse
    first_layer_pass.sums = workspace.sums
    while job.queue.take(thread, threads, &first, &last):
        for block in range(first, last):
            start = job.first + block * job.block
            forward_block(job, &x, &workspace, &first_layer_pass, start, min(job.block, job.last - start))
        done += last - first
    job.queue.finish(done)
    job.queue.wait()


cdef inline void forward_block(
    ForwardJob[real]* job, Inputs* x, Workspace[real]* workspace, const FirstLayerPass[real]* first_layer_pass,
    Py_ssize_t start, Py_ssize_t rows
) noexcept nogil:
    """Some rows through all layers at once."""
    cdef int top = job.layers.n_layers - 1
    cdef Py_ssize_t n_out = job.layers.layer[top].n_out
    cdef Py_ssize_t r
    x.first = start
    # Sparse rows come into a near cache by it; dense ones need it where the first layer finds them suspect.
    if not job.checked and x.sparse and not finite_after(job.kernels, x, start, <const uint8_t*>NULL, 0, rows):
        job.nonfinite.set(1)
    if x.starts is not NULL:
        job.kernels.compressed_sums(&job.layers.layer[0], x, rows, workspace.sums, workspace.ld[0])
    elif x.sparse:
        workspace.sparse.rows = rows
        job.kernels.first_layer_pass(first_layer_pass, 0)
    elif x.in_place:
        workspace.x = <real*>x.data + start * x.stride
    job.kernels.forward(job.layers, x, &job.tiling, workspace, workspace.scratch, 0, rows)
    if workspace.suspect is not NULL and not finite_after(
            job.kernels, x, start, <const uint8_t*>workspace.suspect, 0, rows):
        job.nonfinite.set(1)
    if job.out is not NULL:
        job.kernels.predict(job.layers, workspace, 0, rows)
        for r in range(rows):
            memcpy(job.out + (start + r) * n_out, workspace.z[top] + r * workspace.ld[top], n_out * sizeof(real))
    else:
        workspace.margin = job.margin + start - job.first
        workspace.total = job.total + start - job.first
        workspace.correct = job.correct + start - job.first
        job.kernels.losses(job.layers, x, &job.targets, workspace, 0, rows)


cdef Py_ssize_t block_of(Py_ssize_t rows, bint tiled, int threads) noexcept nogil:
    """Rows of a block: where threads share few of them, smaller ones, so that one may come late."""
    if threads == 1:
        return min(ROWS, rows)
    return min(ROWS, max(FEW_TILED_ROWS if tiled else FEW_ROWS, rows // (4 * threads)))


cdef int forward_all(
    Network net, const Layers[real]* layers, const Kernels[real]* kernels, Batch x, real* out,
    const Targets[real]* targets, Sums* sums, int n_threads,
) except -1:
    """Every row forward, in chunks between which signals are seen.

    Fills out with probabilities, or, where out is NULL, adds up losses and hits.
    """
    cdef Memory memory = Memory()
    cdef ForwardJob[real] job
    cdef Workspace[real]* workspaces
    cdef Py_ssize_t chunk = min(CHUNK, x.n_rows)
    cdef Py_ssize_t r
    cdef int i, threads
    cdef Team team = Team()
    cdef bint checked
    cdef double density = choose_first_layer(kernels, &x.rows, x.n_rows, net.way_of_first_layer(), &checked)
    threads = threads_for(operations(layers, chunk, density, False), n_threads)
    team.wake(threads)
    job.checked = checked
    x.rows.in_place = usable_in_place(&x.rows, layers)
    if x.rows.sparse:
        take_tiling(&job.tiling, &x.rows, 1, NULL, 0, memory)
    job.block = block_of(chunk, x.rows.sparse and x.rows.starts is NULL, threads)
    workspaces = <Workspace[real]*>memory.allocate(threads * sizeof(Workspace[real]))
    for i in range(threads):
        allocate_workspace(workspaces + i, layers, kernels, &x.rows, &job.tiling, job.block, 1, False, False, False,
                           False, memory)
        if not checked and not x.rows.sparse:
            workspaces[i].suspect = <uint8_t*>memory.allocate(job.block)
        if net.watches_zeros:
            watch_zeros(workspaces + i, layers, kernels, &x.rows, False, False, memory)
    job.kernels = kernels
    job.layers = layers
    job.x = &x.rows
    job.workspaces = workspaces
    job.out = out
    if targets is not NULL:
        job.targets = targets[0]
    job.margin = <double*>memory.allocate(chunk * sizeof(double))
    job.total = <double*>memory.allocate(chunk * sizeof(double))
    job.correct = <uint8_t*>memory.allocate(chunk)
    job.first = 0
    while job.first < x.n_rows:
        job.last = min(job.first + chunk, x.n_rows)
        job.queue.fill(<int>pieces_of(job.last - job.first, job.block))
        team.wake(threads)
        team.run_tasks(forward32 if real is float else forward64, &job)
        if job.nonfinite.get():
            raise_not_finite(kernels, &x.rows, x.n_rows)
        if out is NULL:
            sums.loss += sum_losses(job.margin, job.total, job.last - job.first)
            for r in range(job.last - job.first):
                if targets.weight is NULL:
                    sums.correct += job.correct[r]
                else:
                    sums.correct += job.correct[r] * targets.weight[job.first + r]
        job.first = job.last
        PyErr_CheckSignals()
    return 0


ACTIVATIONS, LOSSES, OPTIMIZERS = vocabularies().values()
