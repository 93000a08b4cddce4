# cython: language_level=3
from libc.stdint cimport int32_t

from ._inputs cimport Batch
from ._memory cimport Memory
from .stack cimport Kernels, Stack, real

cdef int gradient_into(
    Stack[real]* result, const Stack[real]* stack, const Kernels[real]* kernels,
    Batch x, const int32_t* labels, str first_layer, Memory memory,
) except -1
