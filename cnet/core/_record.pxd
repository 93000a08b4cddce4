# cython: language_level=3

cdef class Series:
    cdef object array
    cdef double[::1] data
    cdef Py_ssize_t n
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
    cdef Py_ssize_t epoch_start, epoch_samples
    cdef bint epoch_counted, epoch_over
    cdef object by_epoch(self, Series series)
    cdef double[::1] epoch_losses(self, Py_ssize_t iterations)
    cdef void commit(
        self, Py_ssize_t done, Py_ssize_t end, double rate, double accuracy, Py_ssize_t samples,
        double seconds,
    ) noexcept
