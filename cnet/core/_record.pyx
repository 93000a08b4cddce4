# cython: language_level=3
"""What one fit has done so far.

A trainer calls `commit` in the same step in which it publishes parameters: no Python code runs between the
two, so neither a signal nor another thread can see one without the other.
"""
import numpy as np

cimport cython
from libc.math cimport NAN
from libc.string cimport memcpy

from ._arrays cimport FLOATS, elements


cdef class Series:
    """A growing row of numbers: an array with capacity for more."""

    def __cinit__(self):
        self.array = np.empty(0)
        self.data = NULL
        self.n = self.capacity = 0

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Make room for n numbers. Views of the former array keep what they show."""
        cdef double* data
        if n <= self.capacity:
            return 0
        n = max(n, 2 * self.capacity, 16)
        array = np.empty(n)
        data = <double*>elements(array, FLOATS, sizeof(double), 1, True).data
        if self.n:
            memcpy(data, self.data, self.n * sizeof(double))
        self.array, self.data, self.capacity = array, data, n
        return 0


cdef class Record:
    """The iterations and epochs of one fit: their number and what was measured.

    Parameters
    ----------
    with_validation : bool
        Whether validation data are measured at the end of each epoch.
    seconds : float
        The time that it took to prepare the fit.
    with_accuracy : bool
        Whether samples can be classified right: a matter of the loss.
    per_epoch : int
        Iterations of an epoch.

    Attributes
    ----------
    iterations, epochs, samples : int
        Committed so far; an epoch counts from its first iteration on.
    seconds : float
    changes : int
        Grows with whatever is recorded.
    """

    def __cinit__(self, bint with_validation, double seconds, bint with_accuracy=True, Py_ssize_t per_epoch=1):
        self.with_validation, self.with_accuracy = with_validation, with_accuracy
        self.per_epoch = max(1, per_epoch)
        self.seconds = seconds
        self.loss, self.train_accuracy, self.learning_rates = Series(), Series(), Series()
        self.validation_loss, self.validation_accuracy = Series(), Series()

    cdef double* reserve(self, Py_ssize_t iterations) except NULL:
        """Make room for so many iterations in all; where the losses of all of them belong.

        They count when they are committed.
        """
        cdef Py_ssize_t epochs = (iterations + self.per_epoch - 1) // self.per_epoch
        with cython.critical_section(self):
            self.loss.reserve(iterations)
            self.train_accuracy.reserve(epochs)
            self.learning_rates.reserve(epochs)
        return self.loss.data

    cdef void commit(
        self, Py_ssize_t iterations, Py_ssize_t samples, double seconds, Py_ssize_t n, const double* accuracies,
        const double* rates,
    ) noexcept:
        """Now `iterations` have been done in all, with `samples`; this tick took `seconds`.

        It ended in, or went on with, n epochs, the last ones so far: of each, the share of samples that were
        classified right (NaN: it has no meaning), and its last iteration's learning rate.
        """
        cdef Py_ssize_t i, epochs = (iterations + self.per_epoch - 1) // self.per_epoch
        if iterations == self.iterations:
            return
        with cython.critical_section(self):
            self.iterations = self.loss.n = iterations
            self.epochs = self.train_accuracy.n = self.learning_rates.n = epochs
            for i in range(n):
                self.train_accuracy.data[epochs - n + i] = accuracies[i]
                self.learning_rates.data[epochs - n + i] = rates[i]
            self.samples = samples
            self.seconds += seconds
            self.changes += 1

    def add_validation(self, double loss, accuracy):
        """Record what was measured on validation data at the end of an epoch; an accuracy of None has no meaning."""
        with cython.critical_section(self):
            self.validation_loss.reserve(self.validation_loss.n + 1)
            self.validation_accuracy.reserve(self.validation_loss.n + 1)
            self.validation_loss.data[self.validation_loss.n] = loss
            self.validation_accuracy.data[self.validation_loss.n] = NAN if accuracy is None else accuracy
            self.validation_loss.n += 1
            self.validation_accuracy.n += 1
            self.changes += 1

    def stop(self, str reason not None):
        """Record what ended the fit before all its iterations were done; what came first is kept."""
        with cython.critical_section(self):
            if self.stopped is None:
                self.stopped = reason
                self.changes += 1

    def last_epoch(self):
        """A read-only copy of the losses of the epoch under way or just over, its training accuracy, its rate."""
        loss = np.array(self.loss.array[(self.epochs - 1) * self.per_epoch:self.iterations])
        loss.flags.writeable = False
        accuracy = self.train_accuracy.data[self.epochs - 1] if self.with_accuracy else None
        return loss, accuracy, self.learning_rates.data[self.epochs - 1]

    def snapshot(self):
        """All of it at one moment, as a dict; arrays are read-only views of what will not change any more."""
        with cython.critical_section(self):
            result = {
                "loss": shown(self.loss),
                "train_accuracy": self.by_epoch(self.train_accuracy) if self.with_accuracy else None,
                "validation_loss": shown(self.validation_loss) if self.with_validation else None,
                "validation_accuracy":
                    shown(self.validation_accuracy) if self.with_validation and self.with_accuracy else None,
                "seconds": self.seconds,
                "samples_per_second": <double>self.samples / self.seconds if self.seconds else 0.0,
                "epochs": self.epochs,
                "iterations": self.iterations,
                "learning_rates": self.by_epoch(self.learning_rates),
                "stopped": self.stopped,
            }
        return result

    cdef object by_epoch(self, Series series):
        """A number of each epoch, of which the last one changes while its epoch is under way."""
        return copied(series) if self.iterations % self.per_epoch else shown(series)


cdef object shown(Series series):
    view = series.array[:series.n]
    view.flags.writeable = False
    return view


cdef object copied(Series series):
    copy = np.array(series.array[:series.n])
    copy.flags.writeable = False
    return copy
