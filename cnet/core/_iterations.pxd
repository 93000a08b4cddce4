# cython: language_level=3
from .jobs cimport FitJob
from .structs cimport real

cdef object run_tick(
    FitJob[real]* job, double[::1] loss, const double[::1] rates, Py_ssize_t first_rate, object chooser
)
cdef int tell(FitJob[real]* job, object chooser) except -1
