# cython: language_level=3
"""jobs.h for Cython: pieces of work for the team."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from ._team cimport Barrier, Flag, Pile
from .stack cimport Inputs, Kernels, Stack, Tape, Tiling

cdef extern from "jobs.h" nogil:
    cdef cppclass ScanJob[T]:
        const Kernels[T]* kernels
        const Inputs* x
        Py_ssize_t rows
        const int64_t* index
        int64_t* count

    cdef cppclass ForwardJob[T]:
        ForwardJob() noexcept
        const Kernels[T]* kernels
        const Stack[T]* stack
        const Inputs* x
        Tiling tiling
        Tape[T]* tapes
        Py_ssize_t first, last
        Py_ssize_t block
        Pile pile
        bint checked
        Flag sick
        T* out
        const int32_t* labels
        double* margin
        double* total
        uint8_t* correct

    cdef cppclass BatchJob[T]:
        BatchJob() noexcept
        const Kernels[T]* kernels
        const Stack[T]* stack
        const Stack[T]* target
        const Stack[T]* velocity
        Inputs x
        Tiling tiling
        Tape[T] tape
        const int32_t* labels
        Py_ssize_t rows
        double divisor
        double scale
        double momentum
        Barrier* barrier

    cdef cppclass GradientJob[T]:
        GradientJob() noexcept
        BatchJob[T] batch
        Stack[T] parameters
        Stack[T] padded
        Stack[T] result
        int added
        int first_dense
        Py_ssize_t row_block
        Py_ssize_t* weight_block
        T* padded_rows
        Py_ssize_t padded_size
        const T* zeros
        bint checked
        Flag sick
        Pile parts_forward, transposes, rows, parts_back, weights

    cdef cppclass FitJob[T]:
        FitJob() noexcept
        BatchJob[T]* batch
        int* last
        Barrier barrier
        Stack[T] stack
        Stack[T] gradient
        Stack[T] velocity
        Py_ssize_t block
        Py_ssize_t n_rows, batch_size
        const int32_t* all_labels
        int32_t* labels
        int64_t** index
        const int64_t* order
        const double* rates
        uint64_t key
        uint32_t epoch
        Py_ssize_t iteration
        Py_ssize_t until
        double started
        double tick
        double patience
        Py_ssize_t measured_iterations
        double measured_seconds, measured_waits
        double* loss
        int64_t correct
        double loss_sum
        int stop, diverged
