"""Inputs and targets as scikit-learn validates them, and a short way for arrays that it would return as they are.

What scikit-learn looks for (dataframes of many libraries, names of columns, tags) takes it about 100 µs, longer than a
small network needs for its predictions. Of a plain array with nothing wrong, all that it does is to return it. Whatever
else is given goes to scikit-learn, so that conversions, errors and warnings are its own.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .kinds import check_labels, check_numbers, check_values

__all__ = ["FLOATS", "check_fitted", "check_weight", "validated", "validated_with_targets"]

# What inputs may be, the one that others become first.
FLOATS = (np.dtype(np.float64), np.dtype(np.float32))

# Kinds of targets that are finite, or that scikit-learn does not ask: numbers, and labels besides.
FINITE_NUMBERS = "biu"
FINITE_LABELS = "biuU"


def check_fitted(estimator: Any) -> None:
    """Raise scikit-learn's NotFittedError unless the estimator has been fitted."""
    if "coefs_" not in vars(estimator):
        check_is_fitted(estimator, "coefs_")


def validated(estimator: Any, X: Any, dtypes: Any, finite: bool) -> Any:
    """Check inputs to predict of; return them as an array or a sparse matrix of one of `dtypes`.

    Parameters
    ----------
    estimator : object
        Which knows how many columns there are.
    X : array-like or sparse matrix
    dtypes : sequence of dtype
    finite : bool
        Whether to look for NaN and infinity: not where they are found later on.
    """
    if _is_plain(X, dtypes) and _agrees(estimator, X) and (not finite or _is_finite(X)):
        return X
    X = check_numbers("X", X)
    # What is too large for a type is infinite there, which is then said.
    with np.errstate(over="ignore"):
        return validate_data(
            estimator, X, reset=False, accept_sparse=["csr", "csc"], dtype=dtypes, ensure_all_finite=finite
        )


def validated_with_targets(
    estimator: Any, X: Any, y: Any, dtypes: Any, reset: bool, numeric: bool, finite: bool = True, suffix: str = ""
) -> tuple[Any, Any]:
    """Check samples and their targets.

    Parameters
    ----------
    estimator : object
    X : array-like or sparse matrix
    y : array-like
    dtypes : sequence of dtype
        Of inputs.
    reset : bool
        Whether the estimator takes note of the columns, or they must be those it knows.
    numeric : bool
        Whether targets must be numbers.
    finite : bool, default True
        Whether to look for NaN and infinity in plain arrays: not where a fit will look at all rows before it begins.
    suffix : str, default ""
        What the arguments' names end with, after ``X`` and ``y``.
    """
    kinds = FINITE_NUMBERS if numeric else FINITE_LABELS
    if (
        _is_plain(X, dtypes) and (_is_new_to(estimator) if reset else _agrees(estimator, X))
        and (not finite or _is_finite(X)) and type(y) is np.ndarray and y.ndim in (1, 2) and len(y) == len(X) and y.size
        and (y.dtype.kind in kinds or (y.dtype.kind == "f" and _is_finite(y)))
    ):
        estimator.n_features_in_ = X.shape[1]
        return X, y
    X = check_numbers(f"X{suffix}", X)
    y = (check_values if numeric else check_labels)(f"y{suffix}", y)
    with np.errstate(over="ignore"):
        x, y = validate_data(
            estimator, X, y, reset=reset, accept_sparse=["csr", "csc"], multi_output=True, dtype=dtypes,
            y_numeric=numeric,
        )
    return x, y


def check_weight(sample_weight: Any, n_rows: int, name: str) -> npt.NDArray[np.float64] | None:
    """The samples' weights (n_rows,), or None; one number stands for all."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_rows, float(sample_weight))
    weight: npt.NDArray[np.float64] = check_array(
        check_numbers(name, sample_weight), ensure_2d=False, dtype=np.float64, input_name=name
    )
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array")
    if len(weight) != n_rows:
        raise ValueError(f"{name} must hold one weight for each of {n_rows} samples, got shape {weight.shape}")
    if (weight < 0).any():
        row = int((weight < 0).argmax())
        raise ValueError(f"{name}[{row}] = {weight[row]} is not a finite number of 0 or more")
    if not weight.any():
        raise ValueError(f"{name} is zero for every sample; at least one weight must be above 0")
    return weight


def _is_plain(X: Any, dtypes: Any) -> bool:
    """Whether it is a matrix, not a subclass of one, that needs no conversion."""
    return type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype in dtypes


def _is_new_to(estimator: Any) -> bool:
    """Whether there are no names of columns to forget."""
    return "feature_names_in_" not in vars(estimator)


def _agrees(estimator: Any, X: Any) -> bool:
    known = vars(estimator)
    return "feature_names_in_" not in known and known.get("n_features_in_") == X.shape[1]


def _is_finite(array: Any) -> bool:
    """Whether all elements are finite, as far as their sum can say; if it overflows, scikit-learn looks at each."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.add.reduce(array, axis=None)))
