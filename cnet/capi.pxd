# cython: language_level=3
"""The C-level API: cnet's compiled code, for your own Cython code.

    cimport cnet.capi as cnet_c

Functions ending in 32 work on float, those ending in 64 on double. All arrays are contiguous, in
row-major order. Like the kernels, these functions check none of their arguments: sizes must be right,
labels within 0..outputs - 1, and values such that the network's loss has a meaning for them. Those
marked nogil raise no exceptions and need no Python.
"""
from libc.stdint cimport int32_t

cdef extern from *:
    """
    typedef struct cnet_session32 cnet_session32;
    typedef struct cnet_session64 cnet_session64;
    """
    # A network that can be used from C. It reads the network's parameters in place
    # and keeps the network alive. Only one thread at a time may use a session; a network may
    # have any number of sessions.
    ctypedef struct Session32 "cnet_session32":
        pass
    ctypedef struct Session64 "cnet_session64":
        pass

# A session of a network (MultiLayerNet or TwoLayerNet, of any depth) of float32 or float64; TypeError
# for anything else.
cdef Session32* open_session32(object net) except NULL
cdef Session64* open_session64(object net) except NULL
cdef void close_session32(Session32* session) noexcept
cdef void close_session64(Session64* session) noexcept

# Inputs, outputs, and the number of all weights and biases.
cdef Py_ssize_t inputs32(const Session32* session) noexcept nogil
cdef Py_ssize_t inputs64(const Session64* session) noexcept nogil
cdef Py_ssize_t outputs32(const Session32* session) noexcept nogil
cdef Py_ssize_t outputs64(const Session64* session) noexcept nogil
cdef Py_ssize_t parameters32(const Session32* session) noexcept nogil
cdef Py_ssize_t parameters64(const Session64* session) noexcept nogil

# Which targets the network's loss takes: class indices (cross-entropy), values (all losses; with
# cross-entropy they are rows of probabilities). 1 or 0.
cdef bint serves_labels32(const Session32* session) noexcept nogil
cdef bint serves_labels64(const Session64* session) noexcept nogil
cdef bint serves_values32(const Session32* session) noexcept nogil
cdef bint serves_values64(const Session64* session) noexcept nogil

# y (rows, outputs) = the predictions for x (rows, inputs): with cross-entropy, probabilities.
cdef void predict32(Session32* session, Py_ssize_t rows, const float* x, float* y) noexcept nogil
cdef void predict64(Session64* session, Py_ssize_t rows, const double* x, double* y) noexcept nogil

# The mean loss of x (rows, inputs) with labels t (rows,), as the network's own loss(x, t) has it: the
# penalty of weight_decay_lambda is part of it. NaN if the session does not serve labels.
cdef double loss32(Session32* session, Py_ssize_t rows, const float* x, const int32_t* t) noexcept nogil
cdef double loss64(Session64* session, Py_ssize_t rows, const double* x, const int32_t* t) noexcept nogil

# The same, and its derivatives with respect to W1, b1, W2, b2, ... one after another. If the session
# does not serve labels, the result is NaN and the derivatives are left as they were.
cdef double gradient32(
    Session32* session, Py_ssize_t rows, const float* x, const int32_t* t, float* gradient
) noexcept nogil
cdef double gradient64(
    Session64* session, Py_ssize_t rows, const double* x, const int32_t* t, double* gradient
) noexcept nogil

# Both with values t (rows, outputs), of the network's type, as targets; NaN if the session does not
# serve values.
cdef double loss_values32(
    Session32* session, Py_ssize_t rows, const float* x, const float* t
) noexcept nogil
cdef double loss_values64(
    Session64* session, Py_ssize_t rows, const double* x, const double* t
) noexcept nogil
cdef double gradient_values32(
    Session32* session, Py_ssize_t rows, const float* x, const float* t, float* gradient
) noexcept nogil
cdef double gradient_values64(
    Session64* session, Py_ssize_t rows, const double* x, const double* t, double* gradient
) noexcept nogil

# The name of the instruction set in use, whose kernels follow.
cdef const char* instruction_set() noexcept nogil

# out (rows, n_out) = x (rows, n_in) . weight (n_in, n_out) + bias (n_out,), without bias if bias
# is NULL. Returns 0, or -1 if there is not enough memory.
cdef int dense32(Py_ssize_t rows, Py_ssize_t n_in, Py_ssize_t n_out, const float* x,
                 const float* weight, const float* bias, float* out) noexcept nogil
cdef int dense64(Py_ssize_t rows, Py_ssize_t n_in, Py_ssize_t n_out, const double* x,
                 const double* weight, const double* bias, double* out) noexcept nogil

# out (n,) = function(x (n,)); x and out may be the same.
cdef void sigmoid32(Py_ssize_t n, const float* x, float* out) noexcept nogil
cdef void sigmoid64(Py_ssize_t n, const double* x, double* out) noexcept nogil
cdef void relu32(Py_ssize_t n, const float* x, float* out) noexcept nogil
cdef void relu64(Py_ssize_t n, const double* x, double* out) noexcept nogil
cdef void tanh32(Py_ssize_t n, const float* x, float* out) noexcept nogil
cdef void tanh64(Py_ssize_t n, const double* x, double* out) noexcept nogil

# out (rows, n) = softmax of each row of x (rows, n); x and out may be the same.
cdef void softmax32(Py_ssize_t rows, Py_ssize_t n, const float* x, float* out) noexcept nogil
cdef void softmax64(Py_ssize_t rows, Py_ssize_t n, const double* x, double* out) noexcept nogil
