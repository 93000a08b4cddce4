# cython: language_level=3
from .jobs cimport FitJob
from .stack cimport real

cdef object run_tick(FitJob[real]* job, double[::1] loss, const double[::1] rates, int n_threads)
