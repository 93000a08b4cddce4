"""Labels of classes, of whatever kind, as the targets that cnet's losses take, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import type_of_target

__all__ = ["Labels", "labels_of"]

Array = npt.NDArray[Any]


def labels_of(y: Any) -> Labels:
    """Find the classes in `y`.

    Parameters
    ----------
    y : ndarray or sparse matrix
        Labels (n,), or indicators of several labels at once (n, n_labels).

    Raises
    ------
    ValueError
        If they are no labels of classes.
    """
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU":
        # What scikit-learn looks for would take longer than a short fit.
        return Labels(np.unique(y))
    try:
        kind = type_of_target(y, input_name="y")
    except TypeError:
        kinds = sorted({type(each).__name__ for each in np.asarray(y).ravel().tolist()})
        if len(kinds) < 2:
            raise
        raise ValueError(f"y holds labels that cannot be sorted, of the types {', '.join(kinds)}; write y.astype(str) "
                         "if they are meant to be text") from None
    if kind == "multilabel-indicator":
        return Labels(np.arange(y.shape[1]), several=True, as_sparse=hasattr(y, "tocsr"))
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"Unknown label type: {kind}. y must hold a label for each sample, or indicators of several "
                         "labels. For numbers to predict use a regressor; for several outputs of several classes "
                         "each, one classifier for each (sklearn.multioutput.MultiOutputClassifier)")
    return Labels(np.unique(np.asarray(y)))


class Labels:
    """The classes of a classifier.

    Parameters
    ----------
    classes : ndarray
        Sorted.
    several : bool, default False
        Whether a sample may have several of them, or none.
    as_sparse : bool, default False
        Whether several labels are predicted as a sparse matrix.
    softmax : bool, optional
        Whether there is an output for each class; by default for more than two.

    Attributes
    ----------
    output : str
        scikit-learn's name of the last layer's activation.
    n_outputs : int
    """

    def __init__(
        self, classes: Array, *, several: bool = False, as_sparse: bool = False, softmax: bool | None = None
    ) -> None:
        self.classes, self.several, self.as_sparse = classes, several, as_sparse
        softmax = len(classes) > 2 and not several if softmax is None else softmax
        self.output = "softmax" if softmax else "logistic"
        self.n_outputs = len(classes) if softmax or several else 1

    def numbers(self, y: Any, name: str = "y") -> Array:
        """Return the number of each sample's class (n,), or its indicators (n, n_labels) as booleans.

        Parameters
        ----------
        y : array-like
            Labels.
        name : str, default "y"
            Of the argument, for errors.

        Raises
        ------
        ValueError
            If a label is not among the classes; the message lists both.
        """
        if self.several:
            y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            if y.ndim != 2 or y.shape[1] != len(self.classes):
                raise ValueError(f"{name} must have {len(self.classes)} columns, one for each label, got shape "
                                 f"{y.shape}")
            indicators: Array = y != 0
            return indicators
        y = np.asarray(y)
        if y.ndim != 1:
            raise ValueError(f"{name} must hold one label for each sample, got shape {y.shape}")
        if y.dtype.kind in "OUST" or self.classes.dtype.kind in "OUST":
            # Strings and numbers are never equal, and cannot be sorted together.
            y = y.astype(object)
            place = {label: i for i, label in enumerate(self.classes.tolist())}
            found = np.array([place.get(label, -1) for label in y.tolist()], np.intp)
        else:
            found = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
            found[self.classes[found] != y] = -1
        if (found < 0).any():
            unknown = np.unique(y[found < 0])
            raise ValueError(f"`{name}` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                             f"'{name}' has {unknown}.")
        return found

    def targets(self, numbers: Array, dtype: np.dtype[Any]) -> Array:
        """What the loss takes, for what `numbers` gave: class indices, or values of each output."""
        if self.output == "softmax":
            return numbers
        if not self.several and len(self.classes) == 1:
            numbers = np.zeros_like(numbers)
        return numbers.astype(dtype).reshape(len(numbers), self.n_outputs)

    def predicted(self, outputs: Array) -> Any:
        """Numbers or indicators, as `numbers` gives them, from probabilities (n, n_outputs)."""
        if self.output == "softmax":
            return outputs.argmax(axis=1)
        if self.several:
            return outputs > 0.5
        if len(self.classes) == 1:
            return np.zeros(len(outputs), np.intp)
        return (outputs[:, 0] > 0.5).astype(np.intp)

    def named(self, numbers: Array) -> Any:
        """Labels as they were given, from what `predicted` gave."""
        if not self.several:
            return self.classes[numbers]
        indicators = numbers.astype(int)
        if not self.as_sparse:
            return indicators
        from scipy.sparse import csr_matrix

        return csr_matrix(indicators)
