# cython: language_level=3
"""What a fit does with a gradient, in numbers: those of its options, and of one iteration's step, penalty and dropout."""
from libc.float cimport DBL_MIN, FLT_MIN
from libc.math cimport pow, sqrt
from libc.stdint cimport uint32_t, uint64_t

from ._dispatch cimport active
from ._network cimport Network, place_of
from ._team cimport share_begin
from .jobs cimport BatchJob, FitJob, FitNumbers
from .philox cimport PURPOSE_DROPOUT, philox4x32
from .structs cimport Dropout, Layer, Step, Vocabulary, real

cdef enum:
    SUMS = 16              # partial sums of squares, which fill several vectors


cdef int read_numbers(FitNumbers* numbers, Network net, object options) except -1:
    """The optimizer's numbers, whatever it calls them, and what else is done with the gradient."""
    cdef dict hyper = options.optimizer.hyper()
    cdef const Vocabulary* optimizers = &active().optimizers
    numbers.optimizer = place_of(optimizers, options.optimizer.name)
    numbers.n_states = optimizers.words[numbers.optimizer].property
    numbers.corrected = "beta1" in hyper
    numbers.momentum = hyper.get("beta1", hyper.get("momentum", 0.0))
    numbers.decay = hyper.get("beta2", hyper.get("decay_rate", 0.0))
    numbers.epsilon = hyper.get("epsilon", 0.0)
    numbers.shrink = hyper.get("weight_decay", 0.0)
    numbers.penalty = net.weight_decay
    numbers.clip_norm = options.clip_norm or 0.0
    numbers.max_norm = options.max_norm or 0.0
    numbers.averaging = options.averaging or 0.0
    return 0


cdef double share_dropped(object dropout, int hidden_layer) except -1:
    """One share for all hidden layers, or one for each."""
    return dropout[hidden_layer] if isinstance(dropout, tuple) else dropout


cdef int set_up_dropout(FitJob[real]* job, object options) except -1:
    """Which share of each layer is dropped: layer 0 are the inputs; and their noise."""
    cdef Dropout[real]* dropout = &job.dropout[0]
    cdef int l
    cdef double p
    job.dropping = False
    for l in range(job.layers.n_layers):
        p = options.input_dropout if l == 0 else share_dropped(options.dropout, l - 1)
        dropout.threshold[l] = <uint32_t>(p * 4294967296.0)
        dropout.scale[l] = <real>(1 / (1 - p))
        job.dropping = job.dropping or dropout.threshold[l] > 0
    dropout.threshold[job.layers.n_layers] = 0
    dropout.noise = <real>options.input_noise
    job.drawing = job.dropping or dropout.noise > 0
    job.dropout[1] = job.dropout[2] = dropout[0]
    job.batch[0].input_scale = dropout.scale[0]
    return 0


cdef void prepare_steps(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil:
    """The optimizer's numbers in the iteration to come; biases have neither penalty nor decay."""
    cdef Step[real]* step = &batch.step
    cdef double rate = job.rates[job.iteration], root = 1, factor = 1
    cdef double t = <double>(job.steps + 1)
    step.kind = job.numbers.optimizer
    step.shrink = <real>(1 - rate * job.numbers.shrink)
    if job.numbers.corrected:
        # D. P. Kingma and J. Ba, "Adam", ICLR 2015: the moments begin at 0.
        rate /= 1 - pow(job.numbers.momentum, t)
        if job.numbers.rate_inside:
            rate *= sqrt(1 - pow(job.numbers.decay, t))
        else:
            root = 1 / sqrt(1 - pow(job.numbers.decay, t))
    elif job.numbers.rate_inside:
        factor, rate = rate, 1
    step.rate = <real>rate
    step.root = <real>root
    step.momentum, step.rest = <real>job.numbers.momentum, <real>(1 - job.numbers.momentum)
    step.decay, step.decay_rest = <real>job.numbers.decay, <real>(1 - job.numbers.decay)
    # A smaller one would be 0, and a unit without gradients 0 / 0.
    step.epsilon = max(<real>job.numbers.epsilon, <real>FLT_MIN if real is float else <real>DBL_MIN)
    step.penalty = <real>job.numbers.penalty
    step.clip = <real>factor
    batch.bias_step = step[0]
    batch.bias_step.penalty = 0
    batch.bias_step.shrink = 1
    share_penalty(job, batch)


cdef void share_penalty(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil:
    """Once the batch's divisor is known: its share of a penalty that all rows share."""
    if job.numbers.shared:
        batch.step.penalty = <real>(job.numbers.penalty / batch.divisor) if batch.divisor > 0 else 0


cdef void square_rows(FitJob[real]* job, int thread, int threads) noexcept nogil:
    """The sums of squares of this thread's weight rows, before a step changes them."""
    cdef const Layer[real]* layer
    cdef double* squares = job.row_squares
    cdef Py_ssize_t i
    cdef int l
    for l in range(job.layers.n_layers):
        layer = &job.layers.layer[l]
        for i in range(share_begin(layer.n_in, thread, threads), share_begin(layer.n_in, thread + 1, threads)):
            squares[i] = sum_of_squares(layer.n_out, layer.weight + i * layer.ld)
        squares += layer.n_in


cdef inline double sum_of_squares(Py_ssize_t n, const real* x) noexcept nogil:
    cdef real sums[SUMS]
    cdef Py_ssize_t i, k
    cdef double total = 0
    for k in range(SUMS):
        sums[k] = 0
    i = 0
    while i + SUMS <= n:
        for k in range(SUMS):
            sums[k] += x[i + k] * x[i + k]
        i += SUMS
    while i < n:
        total += <double>x[i] * x[i]
        i += 1
    for k in range(SUMS):
        total += sums[k]
    return total


cdef double penalty_of(const FitJob[real]* job, const BatchJob[real]* batch) noexcept nogil:
    """The penalty of one batch: half its share of the factor, times all squares, which `square_rows` has summed."""
    cdef const double* squares = job.row_squares
    cdef double total = 0
    cdef Py_ssize_t i
    cdef int l
    if squares is NULL or not batch.divisor > 0:
        return 0
    for l in range(job.layers.n_layers):
        for i in range(job.layers.layer[l].n_in):
            total += squares[i]
        squares += job.layers.layer[l].n_in
    return 0.5 * job.numbers.penalty * total / batch.divisor


cdef void prepare_dropout(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """The key of an iteration's dropout and noise."""
    cdef uint32_t words[4]
    philox4x32(job.key, <uint64_t>(iteration - job.epoch_begin), job.epoch, PURPOSE_DROPOUT, words)
    job.dropout[iteration % 3].key = words[0] | <uint64_t>words[1] << 32
    job.dropout[iteration % 3].first_row = 0
