# The kernels, written once. Each stub (_kernels_baseline, ...) includes this file
# and is compiled with the flags of its instruction set.
#
# Kernels check nothing and allocate nothing: the doors do. They take pointers
# only, and leave their module as one table.

from cpython.pycapsule cimport PyCapsule_New
from libc.float cimport DBL_MAX
from libc.math cimport INFINITY, log
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from .simd cimport (
    BLOCK_VECTORS, vec, vfma, vload, vmax, vpow2, vselect_less, vset, vstore, vsum,
)
from .stack cimport (
    CNET_FLOAT32, CNET_RELU, CNET_SIGMOID, CNET_TANH, CNET_UINT8, FUNCTION_RELU,
    FUNCTION_RELU_GRAD, FUNCTION_SIGMOID, FUNCTION_SIGMOID_GRAD, FUNCTION_TANH, Inputs, KernelTable,
    Layer, Nonzero32, Nonzero64, RECIPROCAL_FACTORIAL, Stack, Tape, cnet_pixel_value,
    cnet_pixel_word, real,
)

cdef extern from *:
    """
    #define VECTOR_LANES_MAX 16
    // The largest double that rounds to a finite float lies half a unit above FLT_MAX.
    #define FLOAT_LARGEST 3.4028235677973362e+38
    """
    enum: VECTOR_LANES_MAX
    double FLOAT_LARGEST

include "elementwise.pxi"
include "product.pxi"
include "inputs.pxi"
include "sparse.pxi"
include "softmax.pxi"
include "passes.pxi"

cdef KernelTable table
table.vector_bytes = sizeof(vec[float])

table.float32.lanes = sizeof(vec[float]) // sizeof(float)
table.float32.forward = forward[float]
table.float32.softmax = softmax[float]
table.float32.cross_entropy = cross_entropy[float]
table.float32.backward = backward[float]
table.float32.transpose = transpose[float]
table.float32.accumulate_weight = accumulate_weight[float]
table.float32.accumulate_bias = accumulate_bias[float]
table.float32.apply = apply[float]
table.float32.softmax_rows = softmax_rows[float]
table.float32.count_nonzero = count_nonzero32
table.float32.find_nonzero = find_nonzero32

table.float64.lanes = sizeof(vec[double]) // sizeof(double)
table.float64.forward = forward[double]
table.float64.softmax = softmax[double]
table.float64.cross_entropy = cross_entropy[double]
table.float64.backward = backward[double]
table.float64.transpose = transpose[double]
table.float64.accumulate_weight = accumulate_weight[double]
table.float64.accumulate_bias = accumulate_bias[double]
table.float64.apply = apply[double]
table.float64.softmax_rows = softmax_rows[double]
table.float64.count_nonzero = count_nonzero64
table.float64.find_nonzero = find_nonzero64

capsule = PyCapsule_New(&table, "cnet.core.KernelTable", NULL)
