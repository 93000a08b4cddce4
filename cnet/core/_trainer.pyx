# cython: language_level=3, nonecheck=True
"""One fit: what it needs, made ready once, and what is published of it.

The iterations run in `_iterations`, on a private, padded copy of the parameters, which `publish`
copies to the network's own.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

import numpy as np

from ._arrays cimport Elements, FLOATS, INTEGERS, elements
from ._augment cimport set_up_augmentation
from ._dispatch cimport active
from ._inputs cimport Batch, parse_training_inputs
from ._steps cimport read_numbers, set_up_dropout
from ._targets cimport parse_targets, parse_weights
from ._iterations cimport EPOCHS_OF_TICK, run_tick, tell
from ._memory cimport Memory
from ._network cimport Network
from ._record cimport Record
from ._sampler cimport draw_rows, samples_after, shuffle_rows
from ._scan cimport (
    copies_of_inputs, count_rows, most_threads_of, parts_for, passing_over_zeros_pays, sparse_pays, take_tiling,
)
from ._state cimport OptimizerState, load_state, store_state
from ._workspace cimport (
    allocate_layers, allocate_moved, allocate_sparse_rows, allocate_workspace, block_rows, copy_parameters, watch_zeros,
)
from ._team cimport allowed, cnet_seconds, pieces_of
from .floats cimport IeeeFloats
from .jobs cimport BatchJob, FitJob
from .structs cimport (
    CNET_ACCURACY, CNET_FLOAT32, CNET_FLOAT64, CNET_MAX_LAYERS, CNET_SGD, Inputs, Kernels, Layers, real,
)

from .thread_chooser import ThreadChooser

# Work of an iteration, in floating-point operations, for which another thread's barriers pay.
cdef double OPERATIONS_FOR_A_THREAD = 3e5

# The epoch in whose order of all rows the first ones are held out: no fit reaches it.
cdef uint32_t EPOCH_OF_HELD_OUT = 0xFFFFFFFF


cdef class Trainer:
    """One fit under way.

    Parameters
    ----------
    net : Network
        Where the parameters, and the optimizer's state, come from and are published to.
    x, t : array_like
        Inputs (N, I) and targets, kept for as long as the trainer lives.
    weight : array_like or None
        Weights of the samples (N,).
    options : FitOptions
        All that the caller of a fit chooses.
    key : int
        Of the random numbers, 64 bits.
    first_epoch : int
        Number of the first epoch in the stream of random numbers.
    iterations : int
        That this fit will take at most: only rows that it reaches are looked at.
    given_orders : bool
        Whether `set_orders` gives the orders of rows; `sampling` is "shuffle" then.
    rate_inside, shared_penalty : bool
        scikit-learn's form of the optimizers and of the penalty: see FitNumbers.
    """

    cdef FitJob[float] job32
    cdef FitJob[double] job64
    cdef Network net
    cdef Batch batch
    cdef Memory memory
    cdef OptimizerState state
    cdef object chooser
    cdef int64_t* order
    cdef object given
    cdef readonly bint sparse
    cdef object first_layer
    cdef readonly double density
    cdef readonly int n_threads
    cdef readonly Py_ssize_t n_rows

    def __init__(self, Network net not None, x, t, weight, options, *, uint64_t key, uint32_t first_epoch,
                 Py_ssize_t iterations, bint given_orders=False, bint rate_inside=False, bint shared_penalty=False):
        cdef IeeeFloats floats
        floats.begin()
        cdef bint shuffle = options.sampling == "shuffle"
        cdef double smoothing = options.label_smoothing
        self.net = net
        self.n_threads = allowed(options.n_threads) if options.n_threads else 0
        self.job32.given = self.job64.given = given_orders
        self.job32.numbers.rate_inside = self.job64.numbers.rate_inside = rate_inside
        self.job32.numbers.shared = self.job64.numbers.shared = shared_penalty
        self.memory = Memory()
        self.batch = parse_training_inputs(x, net.sizes[0], net.dtype, options.batch_size, shuffle)
        self.n_rows = self.batch.n_rows
        if shuffle:
            self.order = <int64_t*>self.memory.allocate(self.n_rows * sizeof(int64_t))
        self.state = OptimizerState.of(net, options.optimizer.name, bool(options.averaging))
        if net.is_float32:
            self.job32.batch[0].targets = parse_targets(
                t, self.batch.single, self.n_rows, &net.layers32, smoothing, self.memory)
            self.job32.batch[0].targets.weight = parse_weights(weight, self.n_rows, self.memory)
            set_up(&self.job32, &net.layers32, &active().float32, self, options, key, first_epoch, iterations)
        else:
            self.job64.batch[0].targets = parse_targets(
                t, self.batch.single, self.n_rows, &net.layers64, smoothing, self.memory)
            self.job64.batch[0].targets.weight = parse_weights(weight, self.n_rows, self.memory)
            set_up(&self.job64, &net.layers64, &active().float64, self, options, key, first_epoch, iterations)
        if self.n_threads > 1:
            if self.n_threads > allowed(0):
                self.job32.barrier.spins = self.job64.barrier.spins = 0
            self.chooser = ThreadChooser(self.n_threads)

    cdef int threads_worth(self) except -1:
        """By the operations of an iteration, and the processors that there are."""
        cdef double first = <double>self.net.sizes[0] * self.net.sizes[1]
        cdef double others = 0
        cdef Py_ssize_t l, batch_size = self.job32.batch_size if self.net.is_float32 else self.job64.batch_size
        for l in range(1, len(self.net.weights)):
            others += <double>self.net.sizes[l] * self.net.sizes[l + 1]
        cdef int most = most_threads_of(self.net.sizes[1], self.net.dtype.itemsize) if self.sparse else 256
        cdef double worth = 6 * batch_size * (first * self.density + others) / OPERATIONS_FOR_A_THREAD
        # To ask how many there are takes longer than a short fit should.
        return 1 if worth < 2 or most == 1 else <int>min(<double>min(allowed(0), most), worth)

    def advance(self, Record record not None, rates not None):
        """Go on with the fit for one tick, and publish and record what it did, in one step.

        `rates` are the learning rates of its next iterations; where they end, the tick does. It may go through many
        epochs. Returns whether all is still finite; if not, nothing was published, but the iterations are recorded.
        """
        cdef IeeeFloats floats
        floats.begin()
        cdef Elements numbers = elements(rates, FLOATS, sizeof(double), 1, False)
        if self.net.is_float32:
            return advance_job(&self.job32, &self.net.layers32, self, record, <const double*>numbers.data, numbers.size)
        return advance_job(&self.job64, &self.net.layers64, self, record, <const double*>numbers.data, numbers.size)

    def set_orders(self, orders, sums):
        """Give the orders of all rows in the next epochs, between two of them.

        `orders` are permutations of the rows, one for each epoch, as a contiguous int64 array (epochs, N). `sums`
        (epochs, 2) will hold, of each epoch that has ended, the sums of its batches' losses and of their shared
        penalties, each times the batch's rows.
        """
        cdef Elements rows = elements(orders, INTEGERS, sizeof(int64_t), 2, True)
        cdef Elements places = elements(sums, FLOATS, sizeof(double), 2, True)
        cdef const int64_t* row = <const int64_t*>rows.data
        cdef Py_ssize_t i
        if not self.job32.given or rows.columns != self.n_rows or places.rows != rows.rows or places.columns != 2:
            raise ValueError(f"expected orders of {self.n_rows} rows and two sums for each, got {rows.rows} x "
                             f"{rows.columns} and {places.rows} x {places.columns}")
        for i in range(rows.size):
            if not 0 <= row[i] < self.n_rows:
                raise ValueError(f"an order holds {row[i]}, which is not one of {self.n_rows} rows")
        if self.net.is_float32:
            take_orders(&self.job32, rows, places)
        else:
            take_orders(&self.job64, rows, places)
        self.given = (orders, sums)

    def publish(self):
        """Copy the parameters to the network; False, and no copy, if one is not finite."""
        cdef IeeeFloats floats
        floats.begin()
        if self.net.is_float32:
            return publish_to(&self.job32, &self.net.layers32, self)
        return publish_to(&self.job64, &self.net.layers64, self)

    def reload(self):
        """Take from the network what a callback may have changed: the parameters and the optimizer's state."""
        cdef IeeeFloats floats
        floats.begin()
        if self.net.is_float32:
            reload_job(&self.job32, &self.net.layers32, self)
        else:
            reload_job(&self.job64, &self.net.layers64, self)


def shuffled(uint64_t key, Py_ssize_t n_rows):
    """All rows in the order in which they are held out for validation: a matter of the key alone."""
    order = np.empty(n_rows, np.int64)
    cdef int64_t* rows = <int64_t*>elements(order, INTEGERS, sizeof(int64_t), 1, True).data
    with nogil:
        shuffle_rows(key, EPOCH_OF_HELD_OUT, n_rows, rows)
    return order


cdef int take_orders(FitJob[real]* job, Elements orders, Elements sums) except -1:
    if job.iteration != job.epoch_end:
        raise ValueError("orders are given between two epochs; one is under way")
    job.next_order, job.next_sums = <int64_t*>orders.data, <double*>sums.data
    job.given_until = min(job.iteration + orders.rows * job.per_epoch, job.total)
    return 0


cdef bint advance_job(
    FitJob[real]* job, Layers[real]* net, Trainer trainer, Record record, const double* rates, Py_ssize_t n
) except -1:
    cdef double started = cnet_seconds()
    cdef Py_ssize_t samples
    cdef bint finite
    if record.iterations != job.iteration or not 1 <= n <= job.total - job.iteration:
        raise ValueError(f"expected this fit's record and the rates of 1 to {job.total - job.iteration} iterations, got "
                         f"a record of {record.iterations} iterations, not {job.iteration}, and {n} rates")
    if job.given and n > job.given_until - job.iteration:
        raise ValueError(f"expected the rates of at most {job.given_until - job.iteration} iterations, for which orders "
                         f"were given, got {n}")
    job.until = job.iteration + n
    job.loss = record.reserve(job.until)
    job.rates = rates - job.iteration
    run_tick(job, trainer.chooser)
    # From here to the commit no Python code runs and nothing can fail.
    finite = not job.diverged and publish_to(job, net, trainer)
    samples = samples_after(job.iteration, job.per_epoch, job.batch_size, job.n_rows, job.order is not NULL)
    record.commit(job.iteration, samples, cnet_seconds() - started, job.n_noted, job.accuracies, job.last_rates)
    tell(job, trainer.chooser)
    return finite


cdef int set_up(
    FitJob[real]* job, const Layers[real]* net, const Kernels[real]* kernels, Trainer trainer, object options,
    uint64_t key, uint32_t first_epoch, Py_ssize_t iterations,
) except -1:
    cdef Memory memory = trainer.memory
    cdef BatchJob[real]* batch = &job.batch[0]
    cdef Py_ssize_t batch_size = options.batch_size
    cdef int i
    job.n_rows = trainer.n_rows
    job.batch_size = batch_size
    job.key = key
    job.order = trainer.order
    job.epoch = first_epoch - 1
    job.per_epoch = pieces_of(job.n_rows, batch_size)
    job.total = iterations
    job.epoch_end = 0
    job.has_accuracy = active().losses.words[net.loss].property & CNET_ACCURACY
    job.accuracies = <double*>memory.allocate(EPOCHS_OF_TICK * sizeof(double))
    job.last_rates = <double*>memory.allocate(EPOCHS_OF_TICK * sizeof(double))
    batch.x = trainer.batch.rows
    scan_inputs(job, kernels, trainer, options, first_epoch, iterations)
    if not trainer.n_threads:
        trainer.n_threads = trainer.threads_worth()
    for i in range(3):
        job.index[i] = <int64_t*>memory.allocate(batch_size * sizeof(int64_t))
    job.block = min(batch_size, block_rows(batch.x.n_in, batch.x.sparse))
    allocate_layers(&job.layers, net, kernels.lanes, 0 if options.adversarial else 1, memory)
    copy_parameters(&job.layers, net)
    read_numbers(&job.numbers, trainer.net, options)
    job.separate = (job.block < batch_size or job.numbers.clip_norm > 0 or job.numbers.max_norm > 0
                    or job.numbers.averaging > 0)
    batch.kernels = kernels
    batch.layers = &job.layers
    batch.target = &job.layers
    batch.barrier = &job.barrier
    batch.stepped = not job.separate and (job.numbers.optimizer != CNET_SGD or job.numbers.penalty != 0)
    batch.state[0] = batch.state[1] = NULL
    for i in range(job.numbers.n_states):
        allocate_layers(&job.state[i], net, kernels.lanes, CNET_MAX_LAYERS, memory)
        batch.state[i] = &job.state[i]
    load_state(trainer.state, trainer.net, job)
    if job.separate:
        allocate_layers(&job.gradient, net, kernels.lanes, CNET_MAX_LAYERS, memory)
        batch.target = &job.gradient
        job.norms = <double*>memory.allocate(rows_of_all(net) * sizeof(double))
    job.row_squares = NULL
    if job.numbers.shared and job.numbers.penalty:
        job.row_squares = <double*>memory.allocate(rows_of_all(net) * sizeof(double))
    if job.numbers.averaging:
        allocate_layers(&job.average, net, kernels.lanes, CNET_MAX_LAYERS, memory)
        copy_parameters(&job.average, net)
    set_up_dropout(job, options)
    allocate_workspace(&batch.workspace, net, kernels, &batch.x, &batch.tiling, job.block, trainer.n_threads, True,
                       True, batch.stepped, job.dropping, memory)
    job.move = <real>options.adversarial
    if job.move != 0:
        allocate_moved(&batch.workspace, net, memory)
    if trainer.net.watches_zeros:
        watch_zeros(&batch.workspace, net, kernels, &batch.x, True, job.dropping, memory)
    job.batch[1] = job.batch[0]
    if batch.x.sparse:
        allocate_sparse_rows(&job.batch[1].workspace.sparse, &batch.x, &batch.tiling, sizeof(real),
                             copies_of_inputs(batch.tiling.n_parts, net.layer[0].n_out, sizeof(real),
                                              trainer.n_threads), memory)
    job.augmentation = NULL
    if options.augment is not None:
        set_up_augmentation(job, options.augment, net.layer[net.n_layers - 1].n_out, trainer.n_threads, memory)
    return 0


cdef Py_ssize_t rows_of_all(const Layers[real]* net) noexcept:
    """Weight rows and biases of all layers."""
    cdef Py_ssize_t rows = 0
    cdef int l
    for l in range(net.n_layers):
        rows += net.layer[l].n_in + 1
    return rows


cdef int scan_inputs(
    FitJob[real]* job, const Kernels[real]* kernels, Trainer trainer, object options, uint32_t first_epoch,
    Py_ssize_t iterations,
) except -1:
    """Check the rows that this fit will reach, choose the first layer's way, cut the columns."""
    cdef Memory scratch = Memory()
    cdef Py_ssize_t rows = job.n_rows
    cdef int64_t* index = NULL
    cdef int64_t* count
    cdef int64_t total
    cdef Inputs* x = &job.batch[0].x
    if job.order is NULL and iterations < rows // (2 * job.batch_size):
        index = <int64_t*>scratch.allocate(iterations * job.batch_size * sizeof(int64_t))
        rows = reached_rows(job, first_epoch, iterations, index)
    count = <int64_t*>scratch.allocate(rows * sizeof(int64_t))
    total = count_rows(kernels, x, index, rows, count, trainer.n_threads)
    x.sparse = sparse_pays(x, rows, total, trainer.net.forced_first_layer)
    trainer.first_layer = "sparse" if x.sparse else "dense"
    changed = "input_noise" if options.input_noise else "adversarial" if options.adversarial else None
    if changed is not None:
        # No input stays at 0. Predictions, whose inputs do, go the data's way.
        if x.starts is not NULL:
            raise ValueError(f"{changed} fills every input, which compressed rows cannot hold; pass a dense array")
        x.sparse = False
    x.many_zeros = changed is None and passing_over_zeros_pays(x, rows, total)
    trainer.sparse = x.sparse
    trainer.density = <double>total / (<double>rows * x.n_in) if x.sparse else 1.0
    if x.sparse:
        take_tiling(&job.batch[0].tiling, x, parts_for(trainer.net.sizes[1]), index, rows, trainer.memory)
    return 0


cdef Py_ssize_t reached_rows(
    FitJob[real]* job, uint32_t first_epoch, Py_ssize_t iterations, int64_t* index
) except -1:
    """The different rows that a short fit will draw (fewer than an epoch's), ascending."""
    cdef Memory scratch = Memory()
    cdef uint8_t* reached = <uint8_t*>scratch.allocate_zeroed(job.n_rows)
    cdef Py_ssize_t i, found = 0, draws = iterations * job.batch_size
    draw_rows(job.key, first_epoch, 0, draws, job.n_rows, index)
    for i in range(draws):
        reached[index[i]] = 1
    for i in range(job.n_rows):
        if reached[i]:
            index[found] = i
            found += 1
    return found


cdef int reload_job(FitJob[real]* job, const Layers[real]* net, Trainer trainer) except -1:
    """Parameters that are averages are left alone unless they were changed; so is the optimizer's state."""
    cdef OptimizerState state = trainer.net.optimizer_state
    if state is trainer.state and state.belongs_to(trainer.net):
        return 0
    copy_parameters(&job.layers, net)
    if job.numbers.averaging:
        copy_parameters(&job.average, net)
    if state is not trainer.state:
        trainer.state = OptimizerState.of(trainer.net, trainer.state.name, job.numbers.averaging > 0)
        load_state(trainer.state, trainer.net, job)
    return 0


cdef bint publish_to(FitJob[real]* job, Layers[real]* net, Trainer trainer) except -1:
    """Parameters and the optimizer's state to the network, if they are finite."""
    cdef const Layers[real]* layers = &job.average if job.numbers.averaging else &job.layers
    if not is_finite(job.batch[0].kernels, &job.layers):
        return False
    copy_parameters(net, layers)
    store_state(trainer.state, job)
    trainer.net.optimizer_state = trainer.state
    trainer.net.first_layer = trainer.first_layer
    return True


cdef bint is_finite(const Kernels[real]* kernels, const Layers[real]* layers) noexcept:
    cdef int l, source = CNET_FLOAT32 if real is float else CNET_FLOAT64
    for l in range(layers.n_layers):
        # Padding is 0.
        if (kernels.count_nonzero(source, layers.layer[l].n_in * layers.layer[l].ld, layers.layer[l].weight) < 0
                or kernels.count_nonzero(source, layers.layer[l].n_out, layers.layer[l].bias) < 0):
            return False
    return True
