# cython: language_level=3, nonecheck=True
"""The training loop, without the GIL from end to end.

`pixels -> batch rows -> forward -> cross-entropy -> backprop -> update`: once for
each iteration, by all members of the team together. It works on a private,
padded copy of the parameters, which `publish` copies to the network's own.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from ._dispatch cimport active
from ._inputs cimport Batch, take_inputs, take_labels
from ._memory cimport Memory
from ._network cimport Network
from ._sampler cimport draw_rows, shuffle_rows
from ._scan cimport count_rows, list_rows, sparse_pays
from ._tape cimport (
    backpropagate, block_rows, copy_parameters, refresh_transposed, take_stack, take_tape,
)
from ._team cimport cnet_seconds, run, share
from .jobs cimport FitJob
from .stack cimport Inputs, Kernels, Layer, Stack, real

from ._team import cores

# A tick: after so many seconds the loop comes back, to publish and to see signals.
cdef double TICK_SECONDS = 0.04
# Work of an iteration, in floating-point operations, for which another thread's barriers pay.
cdef double OPERATIONS_FOR_A_THREAD = 3e5


cdef class Trainer:
    """One fit under way.

    Parameters
    ----------
    net : Network
        Where the parameters come from and are published to.
    x, t : array_like
        Inputs (N, I) and targets, kept for as long as the trainer lives.
    batch_size : int
    learning_rate : float
    shuffle : bool
        Each epoch in an order of its own; otherwise drawn with replacement.
    key : int
        Of the random numbers, 64 bits.
    first_epoch : int
        Number of the first epoch in the stream of random numbers.
    iterations : int
        That this fit will take at most: only rows that it reaches are looked at.
    n_threads : int
        0 for as many as the work is worth.
    """

    cdef FitJob[float] job32
    cdef FitJob[double] job64
    cdef Network net
    cdef Batch batch
    cdef Memory memory
    cdef int64_t* order
    cdef readonly bint sparse
    cdef readonly double density
    cdef readonly int n_threads
    cdef readonly Py_ssize_t n_rows

    def __init__(self, Network net not None, x, t, *, Py_ssize_t batch_size, double learning_rate, bint shuffle,
                 uint64_t key, uint32_t first_epoch, Py_ssize_t iterations, int n_threads):
        cdef int32_t* labels
        self.net = net
        self.memory = Memory()
        self.batch = take_inputs(x, net.sizes[0], net.dtype)
        if self.batch.single:
            raise ValueError(f"x must have shape (N, {net.sizes[0]}), got ({net.sizes[0]},)")
        self.n_rows = self.batch.n_rows
        if shuffle and batch_size > self.n_rows:
            raise ValueError(
                f"batch_size = {batch_size} is more than the {self.n_rows} samples; "
                'sampling="shuffle" takes each sample once an epoch'
            )
        labels = take_labels(t, self.batch.single, self.batch.n_rows, net.n_out, self.memory)
        if shuffle:
            self.order = <int64_t*>self.memory.take(self.n_rows * sizeof(int64_t))
        if net.is_float32:
            set_up(&self.job32, &net.stack32, &active().float32, self, labels,
                   batch_size, learning_rate, key, first_epoch, iterations)
        else:
            set_up(&self.job64, &net.stack64, &active().float64, self, labels,
                   batch_size, learning_rate, key, first_epoch, iterations)
        self.n_threads = n_threads if n_threads else self.threads_worth()

    cdef int threads_worth(self) except -1:
        """By the operations of an iteration, and the processors that there are."""
        cdef double first = <double>self.net.sizes[0] * self.net.sizes[1]
        cdef double others = 0
        cdef Py_ssize_t l, batch_size = self.job32.batch_size if self.net.is_float32 else self.job64.batch_size
        for l in range(1, len(self.net.weights)):
            others += <double>self.net.sizes[l] * self.net.sizes[l + 1]
        return <int>max(1., min(<double>cores(), 6 * batch_size * (first * self.density + others)
                                / OPERATIONS_FOR_A_THREAD))

    def start_epoch(self, uint32_t epoch):
        """Begin an epoch: `epoch` is its number in the stream of random numbers."""
        if self.net.is_float32:
            self.job32.epoch, self.job32.iteration, self.job32.correct = epoch, 0, 0
        else:
            self.job64.epoch, self.job64.iteration, self.job64.correct = epoch, 0, 0
        cdef uint64_t key = self.job32.key if self.net.is_float32 else self.job64.key
        if self.order is not NULL:
            with nogil:
                shuffle_rows(key, epoch, self.n_rows, self.order)

    def run(self, double[::1] loss not None):
        """Go on with the epoch for one tick, at most to the end of `loss`.

        Fills loss from this epoch's iteration on; returns the number of the
        epoch's iterations that are done and whether the loss is still finite.
        """
        if self.net.is_float32:
            return run_tick(&self.job32, loss, self.n_threads)
        return run_tick(&self.job64, loss, self.n_threads)

    @property
    def correct(self):
        """Samples of this epoch so far that were classified right, each before its update."""
        return self.job32.correct if self.net.is_float32 else self.job64.correct

    def publish(self):
        """Copy the parameters to the network; False, and no copy, if one is not finite."""
        if self.net.is_float32:
            return publish_to(&self.net.stack32, &self.job32.stack)
        return publish_to(&self.net.stack64, &self.job64.stack)

    def reload(self):
        """Take the parameters from the network, which a callback may have changed."""
        if self.net.is_float32:
            copy_parameters(&self.job32.stack, &self.net.stack32)
        else:
            copy_parameters(&self.job64.stack, &self.net.stack64)


cdef int set_up(
    FitJob[real]* job, const Stack[real]* net, const Kernels[real]* kernels, Trainer trainer,
    const int32_t* labels, Py_ssize_t batch_size, double learning_rate, uint64_t key,
    uint32_t first_epoch, Py_ssize_t iterations,
) except -1:
    cdef Memory memory = trainer.memory
    job.n_rows = trainer.n_rows
    job.batch_size = batch_size
    job.learning_rate = learning_rate
    job.key = key
    job.order = trainer.order
    job.all_labels = labels
    job.batch.x = trainer.batch.rows
    look_at_inputs(job, kernels, trainer, first_epoch, iterations)
    job.labels = <int32_t*>memory.take(batch_size * sizeof(int32_t))
    job.index = <int64_t*>memory.take(batch_size * sizeof(int64_t))
    job.block = min(batch_size, block_rows(job.batch.x.n_in, job.batch.x.sparse))
    job.batch.kernels = kernels
    job.batch.stack = &job.stack
    job.batch.target = &job.stack
    job.batch.scale = -learning_rate
    take_stack(&job.stack, net, kernels.lanes, True, memory)
    copy_parameters(&job.stack, net)
    if job.block < batch_size:
        take_stack(&job.gradient, net, kernels.lanes, False, memory)
        job.batch.target = &job.gradient
        job.batch.scale = 1
    take_tape(&job.batch.tape, net, &job.batch.x, job.block, kernels.lanes, True, memory)
    return 0


cdef int look_at_inputs(
    FitJob[real]* job, const Kernels[real]* kernels, Trainer trainer, uint32_t first_epoch,
    Py_ssize_t iterations,
) except -1:
    """Check the rows that this fit will reach, choose the first layer's way, make the lists."""
    cdef Memory scratch = Memory()
    cdef Py_ssize_t n = job.n_rows, rows = n, r
    cdef int64_t* index = NULL
    cdef int64_t* count
    cdef int64_t* start
    cdef int64_t total
    cdef Inputs* x = &job.batch.x
    if job.order is NULL and iterations < n // (2 * job.batch_size):
        index = <int64_t*>scratch.take(iterations * job.batch_size * sizeof(int64_t))
        rows = reached_rows(job, first_epoch, iterations, index)
    count = <int64_t*>scratch.take(rows * sizeof(int64_t))
    total = count_rows(kernels, x, index, rows, count)
    x.sparse = sparse_pays(x, rows, total, trainer.net.first_layer)
    trainer.sparse = x.sparse
    trainer.density = <double>total / (<double>rows * x.n_in) if x.sparse else 1.0
    if not x.sparse:
        return 0
    start = <int64_t*>trainer.memory.take_zeroed((n + 1) * sizeof(int64_t))
    for r in range(rows):
        start[(index[r] if index is not NULL else r) + 1] = count[r]
    for r in range(n):
        start[r + 1] += start[r]
    list_rows(kernels, x, n, start, trainer.memory)
    return 0


cdef Py_ssize_t reached_rows(
    FitJob[real]* job, uint32_t first_epoch, Py_ssize_t iterations, int64_t* index
) except -1:
    """The different rows that a short fit will draw (fewer than an epoch's), ascending."""
    cdef Memory scratch = Memory()
    cdef uint8_t* reached = <uint8_t*>scratch.take_zeroed(job.n_rows)
    cdef Py_ssize_t i, found = 0, draws = iterations * job.batch_size
    draw_rows(job.key, first_epoch, 0, draws, job.n_rows, index)
    for i in range(draws):
        reached[index[i]] = 1
    for i in range(job.n_rows):
        if reached[i]:
            index[found] = i
            found += 1
    return found


cdef object run_tick(FitJob[real]* job, double[::1] loss, int n_threads):
    job.until = loss.shape[0]
    if job.iteration < job.until:
        job.loss = &loss[0]
        job.stop = 0
        job.diverged = 0
        job.started = cnet_seconds()
        begin_iteration(job)
        run(iterate32 if real is float else iterate64, job, n_threads)
    return job.iteration, not job.diverged


cdef void iterate32(void* job, int me, int members) noexcept nogil:
    iterate(<FitJob[float]*>job, me, members)


cdef void iterate64(void* job, int me, int members) noexcept nogil:
    iterate(<FitJob[double]*>job, me, members)


cdef void iterate(FitJob[real]* job, int me, int members) noexcept nogil:
    """Iterations until the tick or the epoch ends. All members leave together."""
    while not job.stop:
        if job.block < job.batch_size:
            step_in_blocks(job, me, members)
        else:
            step(job, me, members)
        if me == 0:
            end_iteration(job)
        job.batch.barrier.wait(members)


cdef inline Py_ssize_t rows_of_batch(FitJob[real]* job) noexcept nogil:
    """Samples of this iteration's batch: a shuffled epoch's last may be short."""
    if job.order is NULL:
        return job.batch_size
    return min(job.batch_size, job.n_rows - job.iteration * job.batch_size)


cdef inline void begin_iteration(FitJob[real]* job) noexcept nogil:
    """What all members must know of the next batch; one of them writes it down."""
    cdef Py_ssize_t rows = rows_of_batch(job)
    job.batch.rows = rows
    job.batch.divisor = <double>rows
    job.batch.x.index = job.index
    job.batch.labels = job.labels


cdef inline void choose_rows(FitJob[real]* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Rows and labels of the samples first..last of this iteration's batch."""
    cdef Py_ssize_t start = job.iteration * job.batch_size
    cdef Py_ssize_t i
    if job.order is NULL:
        draw_rows(job.key, job.epoch, start + first, start + last, job.n_rows, job.index + first)
    else:
        for i in range(first, last):
            job.index[i] = job.order[start + i]
    for i in range(first, last):
        job.labels[i] = job.all_labels[job.index[i]]


cdef void step(FitJob[real]* job, int me, int members) noexcept nogil:
    """One iteration whose batch fits one block: the update is fused into the product."""
    cdef Py_ssize_t rows = job.batch.rows
    choose_rows(job, share(rows, me, members), share(rows, me + 1, members))
    backpropagate(&job.batch, me, members)
    if me == 0:
        add_up(job, rows)


cdef void step_in_blocks(FitJob[real]* job, int me, int members) noexcept nogil:
    """One iteration block by block: the gradient is summed first, then applied."""
    cdef Py_ssize_t rows = rows_of_batch(job)
    cdef Py_ssize_t first = 0
    choose_rows(job, share(rows, me, members), share(rows, me + 1, members))
    while first < rows:
        if me == 0:
            job.batch.rows = min(job.block, rows - first)
            job.batch.x.index = job.index + first
            job.batch.labels = job.labels + first
        job.batch.barrier.wait(members)
        backpropagate(&job.batch, me, members)
        if me == 0:
            add_up(job, job.batch.rows)
        job.batch.barrier.wait(members)
        first += job.block
    apply_gradient(job, me, members)


cdef void apply_gradient(FitJob[real]* job, int me, int members) noexcept nogil:
    """parameters -= learning rate * gradient, on this member's rows; gradient = 0."""
    cdef Layer[real]* layer
    cdef Layer[real]* gradient
    cdef Py_ssize_t first, last, i
    cdef real rate = <real>job.learning_rate
    cdef int l
    for l in range(job.stack.n_layers):
        layer = &job.stack.layer[l]
        gradient = &job.gradient.layer[l]
        first = share(layer.n_in, me, members) * layer.ld
        last = share(layer.n_in, me + 1, members) * layer.ld
        for i in range(first, last):
            layer.weight[i] -= rate * gradient.weight[i]
            gradient.weight[i] = 0
        if me == members - 1:
            for i in range(layer.n_out):
                layer.bias[i] -= rate * gradient.bias[i]
                gradient.bias[i] = 0
        if layer.transposed is not NULL:
            refresh_transposed(&job.stack, l, first // layer.ld, last // layer.ld)


cdef inline void add_up(FitJob[real]* job, Py_ssize_t rows) noexcept nogil:
    """Losses and hits of a block, in the order of its rows."""
    cdef Py_ssize_t r
    for r in range(rows):
        job.loss_sum += job.batch.tape.loss[r]
        job.correct += job.batch.tape.correct[r]


cdef inline void end_iteration(FitJob[real]* job) noexcept nogil:
    """Write down the loss, and decide for all whether to go on."""
    cdef double loss = job.loss_sum / job.batch.divisor
    job.loss[job.iteration] = loss
    job.loss_sum = 0
    job.iteration += 1
    # A NaN fails this comparison too.
    if not (loss < INFINITY):
        job.diverged = 1
    job.stop = (job.diverged or job.iteration >= job.until
                or not (0 <= cnet_seconds() - job.started < TICK_SECONDS))
    if not job.stop:
        begin_iteration(job)


cdef bint publish_to(Stack[real]* net, const Stack[real]* stack) noexcept:
    cdef Py_ssize_t i
    cdef int l
    cdef real check = 0
    for l in range(stack.n_layers):
        # x - x is 0 for every finite x and NaN for the others; padding is 0.
        for i in range(stack.layer[l].n_in * stack.layer[l].ld):
            check += stack.layer[l].weight[i] - stack.layer[l].weight[i]
        for i in range(stack.layer[l].n_out):
            check += stack.layer[l].bias[i] - stack.layer[l].bias[i]
    if check != 0:
        return False
    copy_parameters(net, stack)
    return True
