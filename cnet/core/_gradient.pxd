# cython: language_level=3

from ._inputs cimport Batch
from ._memory cimport Memory
from .stack cimport Kernels, Stack, Targets, real

cdef int gradient_into(
    Stack[real]* result, const Stack[real]* stack, const Kernels[real]* kernels,
    Batch x, const Targets[real]* targets, double divisor, str first_layer, Memory memory,
) except -1
