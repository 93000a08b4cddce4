# cython: language_level=3

cdef class Series:
    cdef object array
    cdef double* data
    cdef Py_ssize_t n, capacity
    cdef int reserve(self, Py_ssize_t n) except -1

cdef class Record:
    cdef readonly Py_ssize_t iterations
    cdef readonly Py_ssize_t epochs
    cdef readonly Py_ssize_t samples
    cdef readonly double seconds
    cdef readonly Py_ssize_t changes
    cdef readonly bint with_validation
    cdef readonly bint with_accuracy
    cdef object stopped
    cdef Series loss, train_accuracy, validation_loss, validation_accuracy, learning_rates
    cdef Py_ssize_t per_epoch
    cdef object by_epoch(self, Series series)
    cdef double* reserve(self, Py_ssize_t iterations) except NULL
    cdef void commit(
        self, Py_ssize_t iterations, Py_ssize_t samples, double seconds, Py_ssize_t n, const double* accuracies,
        const double* rates,
    ) noexcept
