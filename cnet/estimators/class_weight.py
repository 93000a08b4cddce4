"""Weights of classes, as factors on samples: scikit-learn's meaning, with more of it checked."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.class_weight import compute_sample_weight

from ..checks import excerpt
from .labels import Labels
from .settings import ParameterError

__all__ = ["class_weights"]

Array = npt.NDArray[Any]


def class_weights(weights: Any, labels: Labels, y: Array) -> Array:
    """Return the factor on each sample.

    Parameters
    ----------
    weights : "balanced", dict or list of dict
        "balanced" gives each class that is there the same sum. A dict holds factors by label; a class that it does not
        name has 1. A list holds one for each of several labels.
    labels : Labels
    y : ndarray
        What ``labels.numbers`` returned.

    Raises
    ------
    ParameterError
        If they are no such thing, or name a label that is none while a class has no weight.
    """
    if labels.several:
        try:
            factors: Array = compute_sample_weight(weights, y.astype(int))
        except (TypeError, ValueError, AttributeError) as error:
            raise ParameterError(f"class_weight of several labels: {error}") from None
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise ParameterError(f"class_weight must hold finite numbers of 0 or more, got {excerpt(weights)}")
        return factors
    classes = labels.classes.tolist()
    if isinstance(weights, str) and weights == "balanced":
        counts = np.bincount(y, minlength=len(classes))
        each = len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(weights, Mapping):
        each = _named(weights, classes)
    else:
        raise ParameterError('class_weight must be None, "balanced" or a dict of weights by label, got '
                             f"{excerpt(weights)}")
    return each[y]


def _named(weights: Mapping[Any, Any], classes: list[Any]) -> Array:
    """The weight of each class."""
    for label, weight in weights.items():
        is_number = isinstance(weight, numbers.Real) and not isinstance(weight, bool | np.bool_)
        if not is_number or not 0 <= weight < np.inf:
            raise ParameterError("class_weight must hold finite numbers of 0 or more, got "
                                 f"{excerpt(weight)} for {excerpt(label)}")
    unknown = [label for label in weights if label not in classes]
    left = [label for label in classes if label not in weights]
    # A fold of a search may lack a class that has a weight.
    if unknown and left:
        raise ParameterError(f"class_weight names {excerpt(unknown[0])}, which is not among the classes "
                             f"{excerpt(classes)}, and has no weight for {excerpt(left[0])}")
    return np.array([float(weights.get(label, 1.0)) for label in classes])
