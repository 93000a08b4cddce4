# cython: language_level=3
"""jobs.h for Cython: pieces of work for the team."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from ._team cimport Barrier, Flag, WorkQueue
from .augment cimport Distortion, DistortionLimits, DistortionRoom
from .structs cimport Dropout, Inputs, Kernels, Layers, Step, Workspace, Targets, Tiling

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
        const Layers[T]* layers
        const Inputs* x
        Tiling tiling
        Workspace[T]* workspaces
        Py_ssize_t first, last
        Py_ssize_t block
        WorkQueue queue
        bint checked
        Flag nonfinite
        T* out
        Targets[T] targets
        double* margin
        double* total
        uint8_t* correct

    cdef cppclass BatchJob[T]:
        BatchJob() noexcept
        const Kernels[T]* kernels
        const Layers[T]* layers
        const Layers[T]* target
        Inputs x
        Tiling tiling
        Workspace[T] workspace
        Targets[T] targets
        Py_ssize_t rows
        double divisor
        double scale
        bint stepped
        Step[T] step
        Step[T] bias_step
        const Layers[T]** state
        bint skipped
        T input_scale
        Barrier* barrier

    cdef cppclass Augmentation[T]:
        Augmentation() noexcept
        Distortion distortion
        DistortionRoom* rooms
        void (*distort)(
            const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t, const void*, void*) noexcept nogil
        Inputs x
        Targets[T] targets
        Py_ssize_t n_rows, n_out
        int64_t* identity

    cdef cppclass GradientJob[T]:
        GradientJob() noexcept
        BatchJob[T] batch
        Layers[T] parameters
        Layers[T] padded
        Layers[T] result
        int added
        int first_dense
        Py_ssize_t row_block
        Py_ssize_t* weight_block
        T* padded_rows
        Py_ssize_t padded_size
        const T* zeros
        bint checked
        Flag nonfinite
        WorkQueue parts_forward, transposes, rows, parts_back, weights

    ctypedef struct FitNumbers:
        int optimizer
        int n_states
        bint corrected
        double momentum, decay, epsilon
        double shrink
        double penalty
        double clip_norm, max_norm, averaging
        bint rate_inside, shared

    cdef cppclass FitJob[T]:
        FitJob() noexcept
        BatchJob[T]* batch
        int* last
        Barrier barrier
        FitNumbers numbers
        Layers[T] layers
        bint separate
        Layers[T] gradient
        Layers[T]* state
        Layers[T] average
        double* norms
        int64_t steps
        bint dropping
        T move
        bint drawing
        Dropout[T]* dropout
        Py_ssize_t block
        Py_ssize_t n_rows, batch_size
        int64_t** index
        Augmentation[T]* augmentation
        int64_t* order
        uint64_t key
        uint32_t epoch
        Py_ssize_t per_epoch, total
        Py_ssize_t epoch_begin, epoch_end
        Py_ssize_t iteration
        Py_ssize_t until
        bint over
        const double* rates
        double started
        double tick
        double patience
        Py_ssize_t measured_iterations
        double measured_seconds, measured_waits
        double* loss
        double correct, weighed
        bint has_accuracy
        double* accuracies
        double* last_rates
        Py_ssize_t n_noted
        double loss_sum
        bint given
        Py_ssize_t given_until
        int64_t* next_order
        double* next_sums
        double* sums
        double* row_squares
        int stop, diverged
