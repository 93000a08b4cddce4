# cython: language_level=3
"""The kernels, compiled for the instruction set baseline."""
include "kernels/kernels.pxi"
table.name = "baseline"
