# cython: language_level=3
"""A whole gradient onto the parameters, where it must be known before: batches of several blocks, clipping by norm,
max-norm and averaged weights.

`penalty -> clip by the global norm -> step -> max-norm -> average`, each thread on its own weight rows.
"""
from libc.math cimport sqrt
from libc.string cimport memset

from ._workspace cimport refresh_transposed
from ._team cimport share_begin
from .jobs cimport BatchJob, FitJob
from .structs cimport Layer, real


cdef void apply_gradient(FitJob[real]* job, BatchJob[real]* batch, int thread, int threads) noexcept nogil:
    """One step with the gradient that has been summed, which is 0 afterwards. A barrier joins before it."""
    cdef Layer[real]* layer
    cdef int l
    if batch.skipped:
        clear_gradient(job, thread, threads)
        return
    if job.numbers.clip_norm:
        clip(job, batch, thread, threads)
    for l in range(job.layers.n_layers):
        step_layer(job, batch, l, thread, threads)
    if job.numbers.max_norm:
        job.barrier.wait(threads)
        for l in range(job.layers.n_layers):
            limit_norms(&job.layers.layer[l], job.numbers.max_norm, thread, threads)
        job.barrier.wait(threads)
    if job.numbers.averaging:
        for l in range(job.layers.n_layers):
            average_layer(job, l, thread, threads)
    for l in range(job.layers.n_layers):
        layer = &job.layers.layer[l]
        refresh_transposed(&job.layers, l, share_begin(layer.n_in, thread, threads),
                           share_begin(layer.n_in, thread + 1, threads))


cdef inline void clear_gradient(FitJob[real]* job, int thread, int threads) noexcept nogil:
    cdef Layer[real]* gradient
    cdef Py_ssize_t first
    cdef int l
    for l in range(job.layers.n_layers):
        gradient = &job.gradient.layer[l]
        first = share_begin(gradient.n_in, thread, threads)
        memset(gradient.weight + first * gradient.ld, 0,
               (share_begin(gradient.n_in, thread + 1, threads) - first) * gradient.ld * sizeof(real))
        if thread == threads - 1:
            memset(gradient.bias, 0, gradient.n_out * sizeof(real))


cdef inline void clip(FitJob[real]* job, BatchJob[real]* batch, int thread, int threads) noexcept nogil:
    """Prepare the factor that brings the gradient's norm down to clip_norm.

    Each weight row and each bias has its sum of squares, which are added in one order.
    """
    cdef Layer[real]* gradient
    cdef Layer[real]* layer
    cdef double* norms = job.norms
    cdef double total = 0
    cdef Py_ssize_t i
    cdef int l
    for l in range(job.layers.n_layers):
        layer, gradient = &job.layers.layer[l], &job.gradient.layer[l]
        for i in range(share_begin(layer.n_in, thread, threads), share_begin(layer.n_in, thread + 1, threads)):
            norms[i] = squares(layer.n_out, gradient.weight + i * layer.ld, layer.weight + i * layer.ld,
                               batch.step.penalty)
        if thread == threads - 1:
            norms[layer.n_in] = squares(layer.n_out, gradient.bias, layer.bias, 0)
        norms += layer.n_in + 1
    job.barrier.wait(threads)
    if thread == 0:
        for i in range(norms - job.norms):
            total += job.norms[i]
        total = sqrt(total)
        if total > job.numbers.clip_norm:
            batch.step.clip *= <real>(job.numbers.clip_norm / total)
            batch.bias_step.clip = batch.step.clip
    job.barrier.wait(threads)


cdef inline double squares(Py_ssize_t n, const real* gradient, const real* weight, real penalty) noexcept nogil:
    cdef double total = 0, g
    cdef Py_ssize_t i
    for i in range(n):
        g = <double>gradient[i] + <double>penalty * weight[i]
        total += g * g
    return total


cdef inline void step_layer(FitJob[real]* job, BatchJob[real]* batch, int l, int thread, int threads) noexcept nogil:
    cdef Layer[real]* layer = &job.layers.layer[l]
    cdef Layer[real]* gradient = &job.gradient.layer[l]
    cdef int n_states = job.numbers.n_states
    cdef Py_ssize_t at = share_begin(layer.n_in, thread, threads) * layer.ld
    cdef Py_ssize_t n = share_begin(layer.n_in, thread + 1, threads) * layer.ld - at
    batch.kernels.step(
        &batch.step, n, gradient.weight + at, layer.weight + at,
        job.state[0].layer[l].weight + at if n_states > 0 else NULL,
        job.state[1].layer[l].weight + at if n_states > 1 else NULL)
    memset(gradient.weight + at, 0, n * sizeof(real))
    if thread == threads - 1:
        batch.kernels.step(
            &batch.bias_step, layer.n_out, gradient.bias, layer.bias,
            job.state[0].layer[l].bias if n_states > 0 else NULL,
            job.state[1].layer[l].bias if n_states > 1 else NULL)
        memset(gradient.bias, 0, layer.n_out * sizeof(real))


cdef inline void limit_norms(Layer[real]* layer, double most, int thread, int threads) noexcept nogil:
    """Each unit's incoming weights, a column, to a norm of at most `most`; this thread's columns."""
    cdef Py_ssize_t i, j
    cdef double total
    cdef real factor
    for j in range(share_begin(layer.n_out, thread, threads), share_begin(layer.n_out, thread + 1, threads)):
        total = 0
        for i in range(layer.n_in):
            total += <double>layer.weight[i * layer.ld + j] * layer.weight[i * layer.ld + j]
        total = sqrt(total)
        if total > most:
            factor = <real>(most / total)
            for i in range(layer.n_in):
                layer.weight[i * layer.ld + j] *= factor


cdef inline void average_layer(FitJob[real]* job, int l, int thread, int threads) noexcept nogil:
    """average = d * average + (1 - d) * parameters."""
    cdef Layer[real]* layer = &job.layers.layer[l]
    cdef Layer[real]* average = &job.average.layer[l]
    cdef Py_ssize_t at = share_begin(layer.n_in, thread, threads) * layer.ld
    cdef Py_ssize_t n = share_begin(layer.n_in, thread + 1, threads) * layer.ld - at
    follow(n, average.weight + at, layer.weight + at, <real>job.numbers.averaging)
    if thread == threads - 1:
        follow(layer.n_out, average.bias, layer.bias, <real>job.numbers.averaging)


cdef inline void follow(Py_ssize_t n, real* average, const real* value, real decay) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        average[i] = decay * average[i] + (1 - decay) * value[i]
