# cython: language_level=3
"""The kernels, compiled for the instruction set avx2."""
include "kernels/kernels.pxi"
table.name = "avx2"
