# cython: language_level=3
"""structs.h for Cython: the plain data shared by entry points, the trainer and the kernels."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from .augment cimport Distortion, DistortionLimits, DistortionRoom

ctypedef fused real:
    float
    double

cdef extern from "structs.h" nogil:
    # cnet_limits.h
    enum:
        CNET_MAX_LAYERS
        CNET_TILE
        CNET_MAX_PARTS
        CNET_BLOCK_ROWS
        CNET_MAX_WORDS
        CNET_STRIP_ROWS
        CNET_MAX_LANES
        CNET_TILE_BYTES
        CNET_ZEROS_VECTORS
        CNET_MOMENTS
        CNET_UNIT_ROWS

    ctypedef struct Word:
        const char* name
        int property

    ctypedef struct Vocabulary:
        int n
        const Word* words

    enum:
        CNET_IDENTITY
        CNET_SGD

    enum cnet_activation_property:
        CNET_STORED_SLOPE
        CNET_MANY_ZEROS

    enum cnet_targets:
        CNET_LABELS
        CNET_VALUES
        CNET_ACCURACY
        CNET_SHARES
        CNET_POSITIVE
        CNET_DISTRIBUTION
        CNET_SMOOTHING

    enum cnet_function:
        FUNCTION_SIGMOID
        FUNCTION_SIGMOID_GRAD
        FUNCTION_RELU
        FUNCTION_RELU_GRAD
        FUNCTION_TANH

    const double* RECIPROCAL_FACTORIAL

    enum cnet_source:
        CNET_UINT8
        CNET_FLOAT32
        CNET_FLOAT64

    cdef cppclass Layer[T]:
        Py_ssize_t n_in, n_out, ld, ld_transposed
        T* weight
        T* bias
        T* transposed
        int activation

    cdef cppclass Layers[T]:
        int n_layers
        int loss
        double loss_parameter
        Layer[T]* layer

    cdef cppclass Targets[T]:
        const int32_t* labels
        const T* values
        const double* weight
        double smoothing

    cdef cppclass Dropout[T]:
        uint64_t key
        Py_ssize_t first_row
        uint32_t* threshold
        T* scale
        T noise

    cdef cppclass Step[T]:
        int kind
        T rate
        T momentum, rest
        T decay, decay_rest
        T epsilon, root
        T clip
        T penalty
        T shrink

    ctypedef struct Inputs:
        int source
        int sparse
        int in_place
        bint many_zeros
        Py_ssize_t n_in, stride, first
        const void* data
        const void* end
        const int64_t* index
        const int64_t* starts
        const int32_t* columns

    ctypedef struct Tiling:
        Py_ssize_t n_tiles
        int n_parts
        const int32_t* start
        const uint8_t* paired
        int32_t* part

    ctypedef struct SparseRows:
        Py_ssize_t rows
        Py_ssize_t capacity
        void* values
        uint64_t* mask
        Py_ssize_t copy_bytes, copy_words

    cdef cppclass Workspace[T]:
        Py_ssize_t capacity
        Py_ssize_t ld_x
        T* x
        Py_ssize_t* ld
        T** z
        T** d
        T** slope
        uint64_t** nonzero
        Py_ssize_t* words
        int32_t** n_nonzero
        int* passes_zeros
        bint decides
        uint64_t* nonzero_x
        Py_ssize_t words_x
        uint64_t* nonzero_d
        Py_ssize_t most_words
        const T* zeros
        const Dropout[T]* dropout
        T move
        T* d_x
        double* margin
        double* total
        uint8_t* correct
        uint8_t* suspect
        SparseRows sparse
        T* sums
        T* scratch
        T* gradient
        Py_ssize_t gradient_size

    cdef cppclass FirstLayerPass[T]:
        const Tiling* tiling
        int source
        const SparseRows* old
        const T* d
        Py_ssize_t ld
        Py_ssize_t begin_unit, end_unit
        const Layer[T]* target
        T scale
        const Step[T]* step
        const Layer[T]* state0
        const Layer[T]* state1
        T* gradient
        const Dropout[T]* dropout
        T input_scale
        const Layer[T]* layer
        const Inputs* x
        SparseRows* next
        T* sums
        const int64_t* after
        Py_ssize_t n_after

    ctypedef struct Differences:
        const Layer[double]* hidden
        const Layer[double]* output
        int activation
        Py_ssize_t rows, ld
        double h
        double most_move
        double scale
        double* x
        double* a
        double* z
        double* log_p
        double* log_rest
        Py_ssize_t ld_hidden
        double* weight_t
        double* of_units
        int32_t* labels
        double* dW1
        double* db1
        double* dW2
        double* db2

    cdef cppclass Kernels[T]:
        int lanes
        Py_ssize_t scratch
        Py_ssize_t panel
        void (*forward)(
            const Layers[T]*, const Inputs*, const Tiling*, Workspace[T]*, T*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*first_layer_pass)(const FirstLayerPass[T]*, int) noexcept nogil
        void (*compressed_sums)(const Layer[T]*, const Inputs*, Py_ssize_t, T*, Py_ssize_t) noexcept nogil
        void (*predict)(const Layers[T]*, Workspace[T]*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*losses)(
            const Layers[T]*, const Inputs*, const Targets[T]*, Workspace[T]*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*move_inputs)(const Layers[T]*, Workspace[T]*, T*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*backward)(
            const Layers[T]*, const Inputs*, const Targets[T]*, Workspace[T]*, T*, Py_ssize_t, Py_ssize_t,
            double) noexcept nogil
        void (*weight_rows)(
            const Workspace[T]*, T*, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double, const T*, Py_ssize_t,
            T*, Py_ssize_t) noexcept nogil
        void (*product)(
            Py_ssize_t, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t,
            T, const T*, Py_ssize_t, T*, Py_ssize_t, T*) noexcept nogil
        void (*nonzero_product)(
            Py_ssize_t, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, const uint64_t*, Py_ssize_t,
            Py_ssize_t, const T*, Py_ssize_t, T, const T*, Py_ssize_t, T*, Py_ssize_t, T*) noexcept nogil
        void (*find_nonzero)(
            Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, uint64_t*, int32_t*) noexcept nogil
        void (*accumulate_bias)(const Layers[T]*, Workspace[T]*, int, Py_ssize_t, double) noexcept nogil
        void (*step)(const Step[T]*, Py_ssize_t, const T*, T*, T*, T*) noexcept nogil
        void (*apply)(int, Py_ssize_t, const T*, T*) noexcept nogil
        void (*softmax_rows)(Py_ssize_t, Py_ssize_t, const T*, T*) noexcept nogil
        int64_t (*count_nonzero)(int, Py_ssize_t, const void*) noexcept nogil

    cdef cppclass KernelTable:
        const char* name
        size_t vector_bytes
        Vocabulary activations
        Vocabulary losses
        Vocabulary optimizers
        Kernels[float] float32
        Kernels[double] float64
        void (*difference_forward)(const Differences*, Py_ssize_t) noexcept nogil
        void (*difference_hidden)(const Differences*, Py_ssize_t, double*) noexcept nogil
        void (*difference_output)(const Differences*, Py_ssize_t) noexcept nogil
        void (*distort)(
            const Distortion*, const DistortionRoom*, const DistortionLimits*, uint64_t, const void*, void*) noexcept nogil
