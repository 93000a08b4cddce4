# cython: language_level=3
"""The iterations of a fit, by all threads of the team together, without the GIL.

`batch rows -> forward -> cross-entropy -> backprop -> update`, until a tick or an epoch ends.
"""
from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from ._sampler cimport draw_rows
from ._apply cimport apply_gradient
from ._steps cimport prepare_dropout, prepare_steps
from ._workspace cimport backpropagate, into_dense_weights, sum_losses, through_parts, through_rows
from ._team cimport TICK_MILLISECONDS, cnet_seconds, run, share_begin, tick_is_over
from .jobs cimport BatchJob, FitJob
from .structs cimport Dropout, Inputs, real


cdef object run_tick(
    FitJob[real]* job, double[::1] loss, const double[::1] rates, Py_ssize_t first_rate, object chooser
):
    """Iterations by as many threads as the chooser says; None: by one. `tell` tells it how they got on.

    They go on at most to the end of `loss`; `rates` are those of the iterations from `first_rate` on.
    """
    cdef Py_ssize_t first = job.iteration
    cdef int threads = 1
    job.until = loss.shape[0]
    if job.iteration < job.until:
        job.loss = &loss[0]
        job.rates = &rates[0] - first_rate
        job.stop = 0
        job.diverged = 0
        job.barrier.forget_waits()
        job.tick = TICK_MILLISECONDS / 1e3
        job.patience = INFINITY
        if chooser is not None:
            threads = chooser.threads
            job.tick = chooser.tick
            job.patience = chooser.patience * threads
        job.started = cnet_seconds()
        begin_iteration(job)
        threads = run(iterate32 if real is float else iterate64, job, threads)
        job.measured_iterations = job.iteration - first
        job.measured_seconds = cnet_seconds() - job.started
        job.measured_waits = job.barrier.seconds_waited() / threads
    return job.iteration, not job.diverged


cdef int tell(FitJob[real]* job, object chooser) except -1:
    """Tell the chooser of the last tick, when that has been published: this is Python code, in which a signal may
    raise an exception."""
    if chooser is not None and job.measured_iterations:
        chooser.measured(job.measured_iterations, job.measured_seconds, job.measured_waits)
        job.measured_iterations = 0
    return 0


cdef void iterate32(void* job, int thread, int threads) noexcept nogil:
    iterate(<FitJob[float]*>job, thread, threads)


cdef void iterate64(void* job, int thread, int threads) noexcept nogil:
    iterate(<FitJob[double]*>job, thread, threads)


cdef void iterate(FitJob[real]* job, int thread, int threads) noexcept nogil:
    """Iterations until the tick or the epoch ends. All threads leave together."""
    cdef bint sparse = job.batch[0].x.sparse
    cdef Py_ssize_t iteration = job.iteration
    if sparse and not job.separate:
        begin_sparse(job, iteration, thread, threads)
    while not job.stop:
        if job.separate:
            step_separately(job, iteration, thread, threads)
        elif sparse:
            step_sparse(job, iteration, thread, threads)
        else:
            step_dense(job, iteration, thread, threads)
        if thread == 0:
            end_iteration(job)
        iteration += 1
        job.barrier.wait(threads)


cdef inline Py_ssize_t rows_of_batch(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """Samples of an iteration's batch: a shuffled epoch's last may be short."""
    if job.order is NULL:
        return job.batch_size
    return min(job.batch_size, job.n_rows - iteration * job.batch_size)


cdef inline int parts_before(const BatchJob[real]* batch, int thread, int threads) noexcept nogil:
    """How many parts of a sparse first layer the threads before this one have."""
    return <int>share_begin(batch.tiling.n_parts, thread, threads)


cdef inline const Dropout[real]* dropout_of(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    return &job.dropout[iteration % 3] if job.dropping else NULL


cdef inline void choose_rows(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """This thread's share of the rows that an iteration's batch takes."""
    cdef int64_t* index = job.index[iteration % 3]
    cdef Py_ssize_t rows = rows_of_batch(job, iteration)
    cdef Py_ssize_t start = iteration * job.batch_size
    cdef Py_ssize_t first = share_begin(rows, thread, threads)
    cdef Py_ssize_t last = share_begin(rows, thread + 1, threads)
    cdef Py_ssize_t i
    if job.order is NULL:
        draw_rows(job.key, job.epoch, start + first, start + last, job.n_rows, index + first)
    else:
        for i in range(first, last):
            index[i] = job.order[start + i]


cdef inline void begin_iteration(FitJob[real]* job) noexcept nogil:
    """What all threads must know of the iteration to come; one of them writes it down."""
    cdef BatchJob[real]* batch = &job.batch[job.iteration & 1]
    batch.rows = rows_of_batch(job, job.iteration)
    batch.divisor = <double>batch.rows
    batch.skipped = False
    batch.x.index = job.index[job.iteration % 3]
    batch.scale = 1.0 if job.separate else -job.rates[job.iteration]
    if job.dropping:
        prepare_dropout(job, job.iteration)
        prepare_dropout(job, job.iteration + 1)
        batch.workspace.dropout = dropout_of(job, job.iteration)
    if batch.stepped or job.separate:
        prepare_steps(job, batch)
    job.last[job.iteration & 1] = (
        job.iteration + 1 >= job.until or tick_is_over(job.started, job.tick)
        or job.barrier.seconds_waited() > job.patience)


cdef inline void weigh(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """The sum of the batch's weights, by which its loss is divided. All its rows have been chosen."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef const int64_t* index = job.index[iteration % 3]
    cdef Py_ssize_t i
    batch.divisor = 0
    for i in range(rows_of_batch(job, iteration)):
        batch.divisor += batch.targets.weight[index[i]]
    batch.skipped = batch.divisor == 0


cdef inline void weigh_together(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """The same between barriers, where rows have weights."""
    if job.batch[0].targets.weight is not NULL:
        job.barrier.wait(threads)
        if thread == 0:
            weigh(job, iteration)
        job.barrier.wait(threads)


cdef void begin_sparse(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """The first batch of a tick through the first layer; those that come later do so on the way."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    choose_rows(job, iteration, thread, threads)
    if iteration + 1 < job.until:
        choose_rows(job, iteration + 1, thread, threads)
    job.barrier.wait(threads)
    if thread == 0 and batch.targets.weight is not NULL:
        weigh(job, iteration)
    through_parts(batch, False, &batch.x, &batch.workspace.sparse, batch.rows, dropout_of(job, iteration), NULL, 0,
                  parts_before(batch, thread, threads), parts_before(batch, thread + 1, threads), thread)
    job.barrier.wait(threads)


cdef void step_sparse(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """One iteration whose forward pass has begun; the next one's begins while this one ends."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef BatchJob[real]* following = &job.batch[(iteration + 1) & 1]
    cdef Inputs x = batch.x
    cdef const int64_t* after = NULL
    cdef bint last = job.last[iteration & 1]
    cdef int begin_part = parts_before(batch, thread, threads)
    cdef int end_part = parts_before(batch, thread + 1, threads)
    through_rows(batch, share_begin(batch.rows, thread, threads), share_begin(batch.rows, thread + 1, threads), thread)
    if not last and iteration + 2 < job.until:
        after = job.index[(iteration + 2) % 3]
        choose_rows(job, iteration + 2, thread, threads)
    job.barrier.wait(threads)
    if last:
        through_parts(batch, True, NULL, NULL, 0, NULL, NULL, 0, begin_part, end_part, thread)
    else:
        x.index = job.index[(iteration + 1) % 3]
        through_parts(batch, True, &x, &following.workspace.sparse, rows_of_batch(job, iteration + 1),
                      dropout_of(job, iteration + 1), after,
                      rows_of_batch(job, iteration + 2) if after is not NULL else 0, begin_part, end_part, thread)
    into_dense_weights(batch, thread, threads)
    if thread == 0:
        add_up(job, batch)


cdef void step_dense(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """One iteration whose batch fits one block: the update is fused into the product."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    choose_rows(job, iteration, thread, threads)
    weigh_together(job, iteration, thread, threads)
    backpropagate(batch, thread, threads)
    if thread == 0:
        add_up(job, batch)


cdef void step_separately(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """One iteration block by block: the gradient is summed first, then applied."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef Py_ssize_t rows = rows_of_batch(job, iteration)
    cdef Py_ssize_t first = 0
    choose_rows(job, iteration, thread, threads)
    weigh_together(job, iteration, thread, threads)
    job.barrier.wait(threads)
    while first < rows:
        if thread == 0:
            batch.rows = min(job.block, rows - first)
            batch.x.index = job.index[iteration % 3] + first
            job.dropout[iteration % 3].first_row = first
        job.barrier.wait(threads)
        backpropagate(batch, thread, threads)
        if thread == 0:
            add_up(job, batch)
        job.barrier.wait(threads)
        first += job.block
    apply_gradient(job, batch, thread, threads)


cdef inline void add_up(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil:
    """Losses and hits of a block, in the order of its rows."""
    cdef Py_ssize_t r
    cdef const double* weight = batch.targets.weight
    job.loss_sum += sum_losses(batch.workspace.margin, batch.workspace.total, batch.rows)
    for r in range(batch.rows):
        job.correct += batch.workspace.correct[r] if weight is NULL else batch.workspace.correct[r] * weight[batch.x.index[r]]


cdef inline void end_iteration(FitJob[real]* job) noexcept nogil:
    """Write down the loss, and decide for all whether to go on."""
    cdef BatchJob[real]* batch = &job.batch[job.iteration & 1]
    cdef double loss = job.loss_sum / batch.divisor if batch.divisor != 0 else 0.
    cdef bint last = job.last[job.iteration & 1]
    job.loss[job.iteration] = loss
    job.loss_sum = 0
    job.weighed += batch.divisor
    if not batch.skipped:
        job.steps += 1
    job.iteration += 1
    # A NaN fails this comparison too.
    if not (loss < INFINITY):
        job.diverged = 1
    job.stop = last or job.diverged
    if not job.stop:
        begin_iteration(job)
        if batch.targets.weight is not NULL and not job.separate and batch.x.sparse:
            weigh(job, job.iteration)
