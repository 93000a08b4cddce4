# The kernels, written once. Each stub (_kernels_baseline, ...) includes this file
# and is compiled with the flags of its instruction set.
#
# Kernels check nothing and allocate nothing: the entry points do. They take pointers
# only, and leave their module as one table.

from cpython.pycapsule cimport PyCapsule_New
from libc.float cimport DBL_MAX, DBL_MIN, FLT_MIN
from libc.math cimport INFINITY, cos, log, sin
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

from .augment cimport Distortion, DistortionLimits, DistortionRoom
from .floats cimport IeeeFloats
from .philox cimport philox4x32
from .simd cimport (
    BLOCK_VECTORS, FEW_REGISTERS, HAS_BYTE_MASKS, HAS_HALF, JOINED_VECTORS, NARROW_PANELS, PAIRED_VECTORS,
    SPARSE_VECTORS, apart, clear_lowest, count_trailing_zeros, half_vec, hat_least, held, hfma, hhigh, hload, hlow,
    hstore, local, low_and_low, nonzero_bytes, nonzero_lanes, opaque, prefetch, transpose_by_bytes, twice, vec,
    vexponent, vfma, vload, vmax, vpow2, vselect_less, vset, vsqrt, vstore, vsum,
)
from .structs cimport (
    CNET_BLOCK_ROWS, CNET_FLOAT32, CNET_IDENTITY, CNET_MAX_LANES, CNET_MAX_WORDS, CNET_MOMENTS, CNET_SGD,
    CNET_STRIP_ROWS, CNET_TILE, CNET_UINT8, CNET_UNIT_ROWS, CNET_ZEROS_VECTORS, Differences, Dropout, FUNCTION_RELU,
    FUNCTION_RELU_GRAD, FUNCTION_SIGMOID, FUNCTION_SIGMOID_GRAD, FUNCTION_TANH, Inputs, KernelTable, Layer,
    FirstLayerPass, RECIPROCAL_FACTORIAL, Layers, Step, Workspace, Targets, Tiling, Vocabulary, real,
)

cdef extern from *:
    """
    // Batches of so few rows go into a sparse layer's weights row by row.
    #define FEW_ROWS 16
    // The largest double that rounds to a finite float lies half a unit above FLT_MAX.
    #define FLOAT_LARGEST 3.4028235677973362e+38
    // The numbers of the lanes.
    static const float LANE32[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const double LANE64[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    """
    enum: FEW_ROWS
    double FLOAT_LARGEST
    const float* LANE32
    const double* LANE64

include "elementwise.pxi"
include "activations.pxi"
include "optimizers.pxi"
include "dropout.pxi"
include "noise.pxi"
include "packing.pxi"
include "product.pxi"
include "inputs.pxi"
include "bitmaps.pxi"
include "sparse_update.pxi"
include "sparse.pxi"
include "compressed.pxi"
include "zeros.pxi"
include "softmax.pxi"
include "cross_entropy.pxi"
include "losses.pxi"
include "passes.pxi"
include "adversarial.pxi"
include "differences.pxi"
include "distort.pxi"

fill_pixels()

cdef KernelTable table
table.vector_bytes = sizeof(vec[float])
table.activations, table.losses, table.optimizers = ACTIVATIONS, LOSSES, OPTIMIZERS

table.float32.lanes = sizeof(vec[float]) // sizeof(float)
table.float32.scratch = SCRATCH
table.float32.panel = BLOCK_VECTORS * table.float32.lanes
table.float32.forward = forward[float]
table.float32.predict = predict[float]
table.float32.losses = losses[float]
table.float32.move_inputs = move_inputs[float]
table.float32.backward = backward[float]
table.float32.first_layer_pass = first_layer_pass[float]
table.float32.compressed_sums = compressed_sums[float]
table.float32.weight_rows = weight_rows[float]
table.float32.product = product[float]
table.float32.nonzero_product = nonzero_product[float]
table.float32.find_nonzero = find_nonzero[float]
table.float32.accumulate_bias = accumulate_bias[float]
table.float32.step = step[float]
table.float32.apply = apply[float]
table.float32.softmax_rows = softmax_rows[float]
table.float32.count_nonzero = count_nonzero32

table.float64.lanes = sizeof(vec[double]) // sizeof(double)
table.float64.scratch = SCRATCH
table.float64.panel = BLOCK_VECTORS * table.float64.lanes
table.float64.forward = forward[double]
table.float64.predict = predict[double]
table.float64.losses = losses[double]
table.float64.move_inputs = move_inputs[double]
table.float64.backward = backward[double]
table.float64.first_layer_pass = first_layer_pass[double]
table.float64.compressed_sums = compressed_sums[double]
table.float64.weight_rows = weight_rows[double]
table.float64.product = product[double]
table.float64.nonzero_product = nonzero_product[double]
table.float64.find_nonzero = find_nonzero[double]
table.float64.accumulate_bias = accumulate_bias[double]
table.float64.step = step[double]
table.float64.apply = apply[double]
table.float64.softmax_rows = softmax_rows[double]
table.float64.count_nonzero = count_nonzero64

table.difference_forward = difference_forward
table.difference_hidden = difference_hidden
table.difference_output = difference_output
table.distort = distort

capsule = PyCapsule_New(&table, "cnet.core.KernelTable", NULL)
