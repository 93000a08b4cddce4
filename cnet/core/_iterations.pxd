# cython: language_level=3
from .jobs cimport FitJob
from .structs cimport real

# The most epochs that one tick goes through.
cdef enum:
    EPOCHS_OF_TICK = 1024

cdef int run_tick(FitJob[real]* job, object chooser) except -1
cdef int tell(FitJob[real]* job, object chooser) except -1
