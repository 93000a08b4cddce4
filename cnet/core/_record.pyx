# cython: language_level=3
"""What one fit has done so far.

A trainer calls `commit` in the same step in which it publishes parameters: no Python code runs between the
two, so neither a signal nor another thread can see one without the other.
"""
import numpy as np

cimport cython
from libc.math cimport isnan


cdef class Series:
    """A growing row of numbers: an array with capacity for more."""

    def __cinit__(self):
        self.array = np.empty(0)
        self.data = self.array
        self.n = 0

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Make room for n numbers. Views of the former array keep what they show."""
        cdef double[::1] data
        if n <= self.data.shape[0]:
            return 0
        array = np.empty(max(n, 2 * self.data.shape[0], 16))
        data = array
        data[:self.n] = self.data[:self.n]
        self.array, self.data = array, data
        return 0


cdef class Record:
    """The iterations and epochs of one fit: their number and what was measured.

    Parameters
    ----------
    with_validation : bool
        Whether validation data are measured at the end of each epoch.
    seconds : float
        The time that it took to prepare the fit.

    Attributes
    ----------
    iterations, epochs, samples : int
        Committed so far; an epoch counts from its first commit on.
    seconds : float
    changes : int
        Grows with whatever is recorded.
    """

    def __cinit__(self, bint with_validation, double seconds):
        self.with_validation = with_validation
        self.seconds = seconds
        self.loss, self.train_accuracy = Series(), Series()
        self.validation_loss, self.validation_accuracy = Series(), Series()
        self.epoch_over = True

    def begin_epoch(self):
        """Let the next commit be the first of another epoch."""
        with cython.critical_section(self):
            self.train_accuracy.reserve(self.epochs + 1)
            self.epoch_start = self.iterations
            self.epoch_counted = False

    cdef double[::1] epoch_losses(self, Py_ssize_t iterations):
        """Where the losses of the epoch's iterations belong; they count when they are committed."""
        with cython.critical_section(self):
            self.loss.reserve(self.epoch_start + iterations)
        return self.loss.data[self.epoch_start:self.epoch_start + iterations]

    cdef void commit(
        self, Py_ssize_t done, Py_ssize_t until, double accuracy, Py_ssize_t samples, double seconds
    ) noexcept:
        """Of the epoch under way, `done` of `until` iterations have been done, with `samples`, of which the share
        `accuracy` was classified right (NaN: it has no meaning); this tick took `seconds`."""
        if done == 0:
            return
        with cython.critical_section(self):
            if self.epoch_counted:
                self.samples -= self.epoch_samples
            else:
                self.epochs += 1
                self.epoch_counted = True
            self.iterations = self.loss.n = self.epoch_start + done
            self.samples += samples
            self.epoch_samples = samples
            self.train_accuracy.n = self.epochs
            self.train_accuracy.data[self.epochs - 1] = accuracy
            self.epoch_over = done == until
            self.seconds += seconds
            self.changes += 1

    def add_validation(self, double loss, double accuracy):
        """Record what was measured on validation data at the end of an epoch."""
        with cython.critical_section(self):
            self.validation_loss.reserve(self.validation_loss.n + 1)
            self.validation_accuracy.reserve(self.validation_loss.n + 1)
            self.validation_loss.data[self.validation_loss.n] = loss
            self.validation_accuracy.data[self.validation_loss.n] = accuracy
            self.validation_loss.n += 1
            self.validation_accuracy.n += 1
            self.changes += 1

    def last_epoch(self):
        """A read-only copy of the losses of the epoch under way or just over, and its training accuracy."""
        loss = np.array(self.loss.array[self.epoch_start:self.iterations])
        loss.flags.writeable = False
        accuracy = self.train_accuracy.data[self.epochs - 1]
        return loss, None if isnan(accuracy) else accuracy

    def snapshot(self):
        """All of it at one moment, as a dict; arrays are read-only views of what will not change any more."""
        with cython.critical_section(self):
            accuracy = shown(self.train_accuracy) if self.epoch_over else copied(self.train_accuracy)
            if self.train_accuracy.n and isnan(self.train_accuracy.data[0]):
                accuracy = None
            result = {
                "loss": shown(self.loss),
                # The last number changes while its epoch is under way.
                "train_accuracy": accuracy,
                "validation_loss": shown(self.validation_loss) if self.with_validation else None,
                "validation_accuracy": shown(self.validation_accuracy) if self.with_validation else None,
                "seconds": self.seconds,
                "samples_per_second": <double>self.samples / self.seconds if self.seconds else 0.0,
                "epochs": self.epochs,
                "iterations": self.iterations,
            }
        return result


cdef object shown(Series series):
    view = series.array[:series.n]
    view.flags.writeable = False
    return view


cdef object copied(Series series):
    copy = np.array(series.array[:series.n])
    copy.flags.writeable = False
    return copy
