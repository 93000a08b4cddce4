# cython: language_level=3
from ._memory cimport Memory
from .jobs cimport BatchJob
from .stack cimport Inputs, Stack, Tape, real

cdef int take_tape(
    Tape[real]* tape, const Stack[real]* net, const Inputs* x, Py_ssize_t capacity, int lanes,
    bint backward, Memory memory,
) except -1
cdef int take_stack(Stack[real]* to, const Stack[real]* net, int lanes, bint transposed, Memory memory) except -1
cdef void copy_parameters(Stack[real]* to, const Stack[real]* net) noexcept nogil
cdef void refresh_transposed(Stack[real]* net, int l, Py_ssize_t first, Py_ssize_t last) noexcept nogil
cdef Py_ssize_t block_rows(Py_ssize_t n_in, bint sparse) noexcept nogil
cdef void backpropagate(BatchJob[real]* job, int me, int members) noexcept nogil
