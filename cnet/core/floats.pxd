# cython: language_level=3
"""floats.h for Cython."""

cdef extern from "floats.h" nogil:
    # IEEE arithmetic from begin() until the function that declares it is left, in whichever way.
    cdef cppclass IeeeFloats:
        IeeeFloats() noexcept
        void begin() noexcept
        void end() noexcept
    # The same, and what is smaller than the smallest normal number is 0.
    cdef cppclass FloatsWithoutDenormals:
        FloatsWithoutDenormals() noexcept
        void begin() noexcept
