# cython: language_level=3
"""What one fit has done so far.

A trainer calls `commit` in the same step in which it publishes parameters: no Python code runs between the
two, so neither a signal nor another thread can see one without the other.
"""
import numpy as np

cimport cython
from libc.math cimport NAN


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
    with_accuracy : bool
        Whether samples can be classified right: a matter of the loss.

    Attributes
    ----------
    iterations, epochs, samples : int
        Committed so far; an epoch counts from its first commit on.
    seconds : float
    changes : int
        Grows with whatever is recorded.
    """

    def __cinit__(self, bint with_validation, double seconds, bint with_accuracy=True):
        self.with_validation, self.with_accuracy = with_validation, with_accuracy
        self.seconds = seconds
        self.loss, self.train_accuracy, self.learning_rates = Series(), Series(), Series()
        self.validation_loss, self.validation_accuracy = Series(), Series()
        self.epoch_over = True

    def begin_epoch(self):
        """Let the next commit be the first of another epoch."""
        with cython.critical_section(self):
            self.train_accuracy.reserve(self.epochs + 1)
            self.learning_rates.reserve(self.epochs + 1)
            self.epoch_start = self.iterations
            self.epoch_counted = False

    cdef double[::1] epoch_losses(self, Py_ssize_t iterations):
        """Where the losses of the epoch's iterations belong; they count when they are committed."""
        with cython.critical_section(self):
            self.loss.reserve(self.epoch_start + iterations)
        return self.loss.data[self.epoch_start:self.epoch_start + iterations]

    cdef void commit(
        self, Py_ssize_t done, Py_ssize_t end, double rate, double accuracy, Py_ssize_t samples, double seconds,
    ) noexcept:
        """Of the epoch under way, `done` of `end` iterations have been done, the last one with the learning rate
        `rate`, with `samples`, of which the share `accuracy` was classified right (NaN: it has no meaning); this tick
        took `seconds`."""
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
            self.learning_rates.n = self.epochs
            self.learning_rates.data[self.epochs - 1] = rate
            self.epoch_over = done == end
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
        loss = np.array(self.loss.array[self.epoch_start:self.iterations])
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
        return shown(series) if self.epoch_over else copied(series)


cdef object shown(Series series):
    view = series.array[:series.n]
    view.flags.writeable = False
    return view


cdef object copied(Series series):
    copy = np.array(series.array[:series.n])
    copy.flags.writeable = False
    return copy
