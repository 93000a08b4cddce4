# cython: language_level=3
"""The numbers of one iteration: of an optimizer's step, and the key of its dropout."""
from libc.math cimport pow, sqrt
from libc.stdint cimport uint32_t, uint64_t

from .jobs cimport BatchJob, FitJob
from .philox cimport PURPOSE_DROPOUT, philox4x32
from .structs cimport Step, real


cdef void prepare_steps(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil:
    """The optimizer's numbers in the iteration to come; biases have neither penalty nor decay."""
    cdef Step[real]* step = &batch.step
    cdef double rate = job.rates[job.iteration], root = 1
    cdef double t = <double>(job.steps + 1)
    step.kind = job.numbers.optimizer
    step.shrink = <real>(1 - rate * job.numbers.shrink)
    if job.numbers.corrected:
        # D. P. Kingma and J. Ba, "Adam", ICLR 2015: the moments begin at 0.
        rate /= 1 - pow(job.numbers.momentum, t)
        root = 1 / sqrt(1 - pow(job.numbers.decay, t))
    step.rate = <real>rate
    step.root = <real>root
    step.momentum, step.rest = <real>job.numbers.momentum, <real>(1 - job.numbers.momentum)
    step.decay, step.decay_rest = <real>job.numbers.decay, <real>(1 - job.numbers.decay)
    step.epsilon = <real>job.numbers.epsilon
    step.penalty = <real>job.numbers.penalty
    step.clip = 1
    batch.bias_step = step[0]
    batch.bias_step.penalty = 0
    batch.bias_step.shrink = 1


cdef void prepare_dropout(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil:
    """The key of an iteration's dropout."""
    cdef uint32_t words[4]
    philox4x32(job.key, <uint64_t>(iteration - job.epoch_begin), job.epoch, PURPOSE_DROPOUT, words)
    job.dropout[iteration % 3].key = words[0] | <uint64_t>words[1] << 32
    job.dropout[iteration % 3].first_row = 0
