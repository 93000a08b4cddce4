# cython: language_level=3
"""The iterations of a fit, by all threads of the team together, without the GIL.

`batch rows -> forward -> loss -> backprop -> update`, epoch after epoch, until a tick ends.
"""
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int64_t

from ._augment cimport make_rows
from ._sampler cimport draw_rows, shuffle_rows
from ._apply cimport apply_gradient
from ._scan cimport FirstLayerShare, share_of_first_layer
from ._steps cimport penalty_of, prepare_dropout, prepare_steps, share_penalty, square_rows
from ._stages cimport backpropagate, into_dense_weights, sum_losses, through_parts, through_rows
from ._workspace cimport count_zeros
from ._team cimport TICK_MILLISECONDS, cnet_seconds, run, share_begin, tick_is_over
from .floats cimport FloatsWithoutDenormals
from .jobs cimport BatchJob, FitJob
from .structs cimport Dropout, Inputs, real

# The most rows that are shuffled between two iterations of one tick.
cdef enum:
    ROWS_SHUFFLED = 8192


cdef int run_tick(FitJob[real]* job, object chooser) except -1:
    """Iterations by as many threads as the chooser says; None: by one. `tell` tells it how they got on.

    They go on at most to iteration `until`, through as many epochs as a tick's time lets them.
    """
    cdef Py_ssize_t first = job.iteration
    cdef int threads = 1
    job.until = min(job.until, furthest(job))
    job.stop = job.diverged = 0
    job.n_noted = 0
    job.barrier.forget_waits()
    job.tick = TICK_MILLISECONDS / 1e3
    job.patience = INFINITY
    if chooser is not None:
        threads = chooser.threads
        job.tick = chooser.tick
        job.patience = chooser.patience * threads
    job.started = cnet_seconds()
    if job.iteration == job.epoch_end:
        begin_epoch(job)
    begin_iteration(job)
    threads = run(iterate32 if real is float else iterate64, job, threads)
    job.measured_iterations = job.iteration - first
    job.measured_seconds = cnet_seconds() - job.started
    job.measured_waits = job.barrier.seconds_waited() / threads
    return 0


cdef Py_ssize_t furthest(const FitJob[real]* job) noexcept:
    """The iteration to which a tick may go on: that before which it would have no room to note another epoch.

    To shuffle many rows takes one thread so long that the others had better sleep: an epoch ends the tick.
    """
    cdef Py_ssize_t end = job.epoch_end if job.iteration < job.epoch_end else job.epoch_end + job.per_epoch
    if job.order is NULL or job.given or job.n_rows <= ROWS_SHUFFLED:
        end += (EPOCHS_OF_TICK - 1) * job.per_epoch
    return end


cdef int tell(FitJob[real]* job, object chooser) except -1:
    """Tell the chooser of the last tick, when that has been published: this is Python code, in which a signal may
    raise an exception."""
    if chooser is not None and job.measured_iterations:
        chooser.measured(job.measured_iterations, job.measured_seconds, job.measured_waits)
        job.measured_iterations = 0
    return 0


cdef void iterate32(void* job, int thread, int threads) noexcept nogil:
    cdef FloatsWithoutDenormals floats
    floats.begin()
    iterate(<FitJob[float]*>job, thread, threads)


cdef void iterate64(void* job, int thread, int threads) noexcept nogil:
    cdef FloatsWithoutDenormals floats
    floats.begin()
    iterate(<FitJob[double]*>job, thread, threads)


cdef void iterate(FitJob[real]* job, int thread, int threads) noexcept nogil:
    """Iterations until the tick ends. All threads leave together."""
    cdef bint sparse = job.batch[0].x.sparse
    cdef bint last, begins = True
    cdef Py_ssize_t iteration = job.iteration
    while not job.stop:
        last = job.last[iteration & 1]
        if job.row_squares is not NULL:
            square_rows(job, thread, threads)
        if job.separate:
            step_separately(job, iteration, thread, threads)
        elif sparse:
            if begins:
                begin_sparse(job, iteration, thread, threads)
            step_sparse(job, iteration, thread, threads)
        else:
            step_dense(job, iteration, thread, threads)
        if thread == 0:
            end_iteration(job)
        begins = last
        iteration += 1
        job.barrier.wait(threads)


cdef void begin_epoch(FitJob[real]* job) noexcept nogil:
    """Begin the next epoch. Nobody reads the order of the one before any more: its rows have been chosen."""
    job.epoch += 1
    job.epoch_begin = job.iteration
    job.epoch_end = min(job.iteration + job.per_epoch, job.total)
    job.correct = job.weighed = 0
    if job.given:
        job.order, job.sums = job.next_order, job.next_sums
        job.sums[0] = job.sums[1] = 0
        job.next_order += job.n_rows
        job.next_sums += 2
    elif job.order is not NULL:
        shuffle_rows(job.key, job.epoch, job.n_rows, job.order)


cdef inline void note_epoch(FitJob[real]* job) noexcept nogil:
    """What the record will say of the epoch that has ended, or which the tick leaves."""
    job.accuracies[job.n_noted] = job.correct / job.weighed if job.has_accuracy and job.weighed != 0 else NAN
    job.last_rates[job.n_noted] = job.rates[job.iteration - 1]
    job.n_noted += 1


cdef inline Py_ssize_t rows_of_batch(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """Samples of an iteration's batch: a shuffled epoch's last may be short."""
    if job.order is NULL:
        return job.batch_size
    return min(job.batch_size, job.n_rows - (iteration - job.epoch_begin) * job.batch_size)


cdef inline FirstLayerShare share_of(const BatchJob[real]* batch, int thread, int threads) noexcept nogil:
    return share_of_first_layer(batch.tiling.n_parts, batch.layers.layer[0].n_out, sizeof(real), thread, threads)


cdef inline const Dropout[real]* dropout_of(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    return &job.dropout[iteration % 3] if job.drawing else NULL


cdef inline void choose_rows(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """This thread's share of the rows that an iteration's batch takes."""
    cdef int64_t* index = job.index[iteration % 3]
    cdef Py_ssize_t rows = rows_of_batch(job, iteration)
    cdef Py_ssize_t start = (iteration - job.epoch_begin) * job.batch_size
    cdef Py_ssize_t first = share_begin(rows, thread, threads)
    cdef Py_ssize_t last = share_begin(rows, thread + 1, threads)
    cdef Py_ssize_t i
    if job.order is NULL:
        draw_rows(job.key, job.epoch, start + first, start + last, job.n_rows, index + first)
    else:
        for i in range(first, last):
            index[i] = job.order[start + i]


cdef inline const int64_t* rows_to_read(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """Which rows of its inputs and targets a batch consists of."""
    return job.augmentation.identity if job.augmentation is not NULL else job.index[iteration % 3]


cdef inline void augment_rows(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """This thread's share of a batch's images, if they are made anew. It has chosen their rows itself."""
    cdef Py_ssize_t rows = rows_of_batch(job, iteration)
    if job.augmentation is not NULL:
        make_rows(job.augmentation, &job.batch[iteration & 1], job.index[iteration % 3], job.key, job.epoch,
                  (iteration - job.epoch_begin) * job.batch_size, share_begin(rows, thread, threads),
                  share_begin(rows, thread + 1, threads), thread)


cdef inline void begin_iteration(FitJob[real]* job) noexcept nogil:
    """What all threads must know of the iteration to come; one of them writes it down."""
    cdef BatchJob[real]* batch = &job.batch[job.iteration & 1]
    batch.rows = rows_of_batch(job, job.iteration)
    batch.divisor = <double>batch.rows
    batch.skipped = False
    batch.x.index = rows_to_read(job, job.iteration)
    batch.scale = 1.0 if job.separate else -job.rates[job.iteration]
    # Of the mini-batches every second one, whether an epoch has many or a single one.
    batch.workspace.move = job.move if (job.epoch + job.iteration - job.epoch_begin) & 1 else 0
    if job.drawing:
        prepare_dropout(job, job.iteration)
        prepare_dropout(job, job.iteration + 1)
        batch.workspace.dropout = dropout_of(job, job.iteration)
    if batch.stepped or job.separate:
        prepare_steps(job, batch)
    job.over = (
        job.iteration + 1 >= job.until or tick_is_over(job.started, job.tick)
        or job.barrier.seconds_waited() > job.patience)
    job.last[job.iteration & 1] = job.over or job.iteration + 1 == job.epoch_end


cdef inline void weigh(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """The sum of the batch's weights, by which its loss is divided. All its rows have been chosen."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef const int64_t* index = rows_to_read(job, iteration)
    cdef Py_ssize_t i
    batch.divisor = 0
    for i in range(rows_of_batch(job, iteration)):
        batch.divisor += batch.targets.weight[index[i]]
    batch.skipped = batch.divisor == 0
    share_penalty(job, batch)


cdef inline void weigh_together(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """The same between barriers, where rows have weights."""
    if job.batch[0].targets.weight is not NULL:
        job.barrier.wait(threads)
        if thread == 0:
            weigh(job, iteration)
        job.barrier.wait(threads)


cdef void begin_sparse(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """The first batch of an epoch or a tick through the first layer; those that come later do so on the way."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef FirstLayerShare share = share_of(batch, thread, threads)
    choose_rows(job, iteration, thread, threads)
    if iteration + 1 < min(job.until, job.epoch_end):
        choose_rows(job, iteration + 1, thread, threads)
    augment_rows(job, iteration, thread, threads)
    job.barrier.wait(threads)
    if thread == 0 and batch.targets.weight is not NULL:
        weigh(job, iteration)
    through_parts(batch, False, &batch.x, &batch.workspace.sparse, batch.rows, dropout_of(job, iteration), NULL, 0,
                  &share, thread)
    job.barrier.wait(threads)


cdef void step_sparse(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """One iteration whose forward pass has begun; the next one's begins while this one ends."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    cdef BatchJob[real]* following = &job.batch[(iteration + 1) & 1]
    cdef Inputs x = following.x
    cdef const int64_t* after = NULL
    cdef bint last = job.last[iteration & 1]
    cdef FirstLayerShare share = share_of(batch, thread, threads)
    through_rows(batch, share_begin(batch.rows, thread, threads), share_begin(batch.rows, thread + 1, threads), thread)
    if not last and iteration + 2 < min(job.until, job.epoch_end):
        after = job.index[(iteration + 2) % 3]
        choose_rows(job, iteration + 2, thread, threads)
    if not last:
        augment_rows(job, iteration + 1, thread, threads)
    if job.augmentation is not NULL:
        # There is nothing to ask for: those images do not exist yet.
        after = NULL
    job.barrier.wait(threads)
    if last:
        through_parts(batch, True, NULL, NULL, 0, NULL, NULL, 0, &share, thread)
    else:
        x.index = rows_to_read(job, iteration + 1)
        through_parts(batch, True, &x, &following.workspace.sparse, rows_of_batch(job, iteration + 1),
                      dropout_of(job, iteration + 1), after,
                      rows_of_batch(job, iteration + 2) if after is not NULL else 0, &share, thread)
    into_dense_weights(batch, thread, threads)
    if thread == 0:
        add_up(job, batch)


cdef void step_dense(FitJob[real]* job, Py_ssize_t iteration, int thread, int threads) noexcept nogil:
    """One iteration whose batch fits one block: the update is fused into the product."""
    cdef BatchJob[real]* batch = &job.batch[iteration & 1]
    choose_rows(job, iteration, thread, threads)
    augment_rows(job, iteration, thread, threads)
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
    augment_rows(job, iteration, thread, threads)
    weigh_together(job, iteration, thread, threads)
    job.barrier.wait(threads)
    while first < rows:
        if thread == 0:
            batch.rows = min(job.block, rows - first)
            batch.x.index = rows_to_read(job, iteration) + first
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
    cdef bint epoch_ends = job.iteration + 1 == job.epoch_end
    job.loss[job.iteration] = loss
    job.loss_sum = 0
    job.weighed += batch.divisor
    if job.given:
        job.sums[0] += loss * rows_of_batch(job, job.iteration)
        job.sums[1] += penalty_of(job, batch) * rows_of_batch(job, job.iteration)
    if not batch.skipped:
        job.steps += 1
    count_zeros(batch, &job.batch[(job.iteration + 1) & 1])
    job.iteration += 1
    # A NaN fails this comparison too.
    if not (loss < INFINITY):
        job.diverged = 1
    job.stop = job.over or job.diverged
    if job.stop or epoch_ends:
        note_epoch(job)
    if job.stop:
        return
    if epoch_ends:
        begin_epoch(job)
    begin_iteration(job)
    # At an epoch's beginning the rows have not been chosen yet.
    if batch.targets.weight is not NULL and not job.separate and batch.x.sparse and not epoch_ends:
        weigh(job, job.iteration)
