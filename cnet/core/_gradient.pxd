# cython: language_level=3

from ._inputs cimport Batch
from ._memory cimport Memory
from .structs cimport Kernels, Layers, Targets, real

cdef int gradient_into(
    Layers[real]* result, const Layers[real]* layers, const Kernels[real]* kernels,
    Batch x, const Targets[real]* targets, double divisor, str first_layer, double* loss, Memory memory,
) except -1
