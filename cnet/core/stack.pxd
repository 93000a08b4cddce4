# cython: language_level=3
"""stack.h for Cython: the plain data shared by the door, the trainer and the kernels."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

ctypedef fused real:
    float
    double

cdef extern from "stack.h" nogil:
    # cnet_limits.h
    enum:
        CNET_MAX_LAYERS
        CNET_TILE
        CNET_MAX_PARTS
        CNET_BLOCK_ROWS
        CNET_MAX_WORDS
        CNET_STRIP_ROWS
        CNET_MAX_LANES

    enum cnet_activation:
        CNET_IDENTITY
        CNET_SIGMOID
        CNET_RELU
        CNET_TANH

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

    cdef cppclass Stack[T]:
        int n_layers
        int activation
        Layer[T]* layer

    ctypedef struct Inputs:
        int source
        int sparse
        int in_place
        Py_ssize_t n_in, stride, first
        const void* data
        const void* end
        const int64_t* index

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

    cdef cppclass Tape[T]:
        Py_ssize_t capacity
        Py_ssize_t ld_x
        T* x
        Py_ssize_t* ld
        T** z
        T** d
        double* margin
        double* total
        uint8_t* correct
        SparseRows sparse
        T* sums
        T* scratch

    cdef cppclass Passage[T]:
        const Tiling* tiling
        int source
        const SparseRows* old
        const T* d
        Py_ssize_t ld
        const Layer[T]* target
        T scale
        const Layer[T]* velocity
        T momentum
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
        double scale
        double* x
        double* a
        double* z
        double* log_p
        double* log_rest
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
            const Stack[T]*, const Inputs*, const Tiling*, Tape[T]*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*passage)(const Passage[T]*, int) noexcept nogil
        void (*softmax)(const Stack[T]*, Tape[T]*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*cross_entropy)(const Stack[T]*, Tape[T]*, const int32_t*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*backward)(const Stack[T]*, Tape[T]*, const int32_t*, Py_ssize_t, Py_ssize_t, double) noexcept nogil
        void (*accumulate_weight)(
            const Stack[T]*, Tape[T]*, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, double) noexcept nogil
        void (*product)(
            Py_ssize_t, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t,
            T, const T*, Py_ssize_t, T*, Py_ssize_t, T*) noexcept nogil
        void (*accumulate_bias)(const Stack[T]*, Tape[T]*, int, Py_ssize_t, double) noexcept nogil
        void (*apply)(int, Py_ssize_t, const T*, T*) noexcept nogil
        void (*softmax_rows)(Py_ssize_t, Py_ssize_t, const T*, T*) noexcept nogil
        int64_t (*count_nonzero)(int, Py_ssize_t, const void*) noexcept nogil

    cdef cppclass KernelTable:
        const char* name
        size_t vector_bytes
        Kernels[float] float32
        Kernels[double] float64
        void (*difference_forward)(const Differences*, Py_ssize_t) noexcept nogil
        void (*difference_hidden)(const Differences*, Py_ssize_t, double*) noexcept nogil
        void (*difference_output)(const Differences*, Py_ssize_t) noexcept nogil
