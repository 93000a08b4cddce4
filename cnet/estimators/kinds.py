"""Kinds of data that are no numbers: refused here, before scikit-learn would make numbers of some of them.

It reads digits out of text, counts a date's nanoseconds and forgets what a masked array masks, all without a word.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import excerpt

__all__ = ["check_labels", "check_numbers", "check_values"]

Array = npt.NDArray[Any]

DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)

# Types that stand for a value that is missing, of pandas.
MISSING = ("NAType", "NaTType")


def check_numbers(name: str, value: Any) -> Any:
    """Refuse text, dates, records, and masked or missing values; what is left is scikit-learn's to validate.

    Parameters
    ----------
    name : str
        Of the argument.
    value : array-like, data frame or sparse matrix

    Returns
    -------
    object
        `value`, or an array of it if it is a list or a tuple.

    Raises
    ------
    ValueError
        What was found, where, and what to do.

    Examples
    --------
    >>> check_numbers("X", [[1, "Oslo"]])
    Traceback (most recent call last):
    ValueError: X must hold numbers, got text: X[0, 0] is '1'; write X.astype(float) if all of it is numbers
    """
    value = _plain(name, value)
    if isinstance(value, np.ndarray):
        _check_array(name, value)
    elif hasattr(value, "columns") and hasattr(value, "dtypes"):
        _check_frame(name, value)
    elif getattr(getattr(value, "dtype", None), "kind", "f") not in "biufc" and not hasattr(value, "tocsr"):
        # A column of a data frame, or whatever else becomes an array.
        _check_array(name, np.asarray(value))
    return value


def check_values(name: str, value: Any) -> Any:
    """`check_numbers` for targets, of which None is missing too, where inputs have NaN.

    Parameters
    ----------
    name : str
    value : array-like

    Returns
    -------
    object
        As `check_numbers` returns it.
    """
    value = check_numbers(name, value)
    if getattr(getattr(value, "dtype", None), "kind", "f") == "O" and not hasattr(value, "tocsr"):
        _find_missing(name, np.asarray(value))
    return value


def check_labels(name: str, value: Any) -> Any:
    """Refuse what cannot be labels of classes either: records, and masked or missing values.

    Parameters
    ----------
    name : str
        Of the argument.
    value : array-like or sparse matrix

    Returns
    -------
    object
        As `check_numbers` returns it.
    """
    value = _plain(name, value)
    if hasattr(value, "tocsr") or hasattr(value, "columns"):
        return value
    if isinstance(value, np.ndarray) or hasattr(value, "dtype"):
        array = np.asarray(value)
        _refuse_records(name, array)
        if array.dtype.kind == "M" and np.isnat(array).any():
            raise ValueError(_missing(name, (int(np.isnat(array).ravel().argmax()),), "NaT"))
        if array.dtype.kind == "O":
            _find_missing(name, array)
    return value


def _plain(name: str, value: Any) -> Any:
    if hasattr(value, "tocsr"):
        _check_places(name, value)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} is a masked array with masked values; fill them first, with {name}.filled(number), "
                         f"or with {name}.filled(np.nan) and sklearn.impute.SimpleImputer")
    # A sparse matrix by keys is a dict besides.
    if isinstance(value, str | bytes | Mapping | Set | Iterator) and not hasattr(value, "tocsr"):
        raise ValueError(f"{name} must be an array, a data frame or a list, got {excerpt(value)}")
    if not isinstance(value, list | tuple):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        # Rows of different lengths, say.
        if name.startswith("y") and any(isinstance(each, list | tuple | Set) for each in value):
            raise ValueError(f"{name} holds sequences of different lengths; several labels of a sample are given as "
                             f"indicators: sklearn.preprocessing.MultiLabelBinarizer().fit_transform({name})") from None
        return value


def _check_places(name: str, matrix: Any) -> None:
    """Raise unless all values of a sparse matrix lie inside it: SciPy's compiled loops do not look.

    A damaged file can make such a matrix, and so can a program that writes into its arrays.
    """
    kind, shape = matrix.format, matrix.shape
    if len(shape) != 2:
        return
    fits = True
    if kind in ("csr", "csc", "bsr"):
        lines, others = shape if kind != "csc" else shape[::-1]
        if kind == "bsr":
            lines, others = lines // matrix.blocksize[0], others // matrix.blocksize[1]
        starts, places = matrix.indptr, matrix.indices
        fits = len(starts) == lines + 1 and starts[0] == 0 and bool((starts[1:] >= starts[:-1]).all())
        fits = fits and starts[-1] <= min(len(places), len(matrix.data)) and _inside(places[: starts[-1]], others)
    elif kind == "coo":
        fits = _inside(matrix.row, shape[0]) and _inside(matrix.col, shape[1])
    if not fits:
        raise ValueError(f"{name} is a damaged sparse matrix: what it says of where its values are does not fit its "
                         f"shape {shape}")


def _inside(places: Array, n: int) -> bool:
    return not len(places) or bool(0 <= places.min() and places.max() < n)


def _check_frame(name: str, frame: Any) -> None:
    """Check those columns of a data frame that are not numbers by their types."""
    for i, column in enumerate(frame.columns):
        series = frame.iloc[:, i] if hasattr(frame, "iloc") else frame[column]
        kind = getattr(series.dtype, "kind", None)
        if kind is None and hasattr(series.dtype, "is_numeric"):
            kind = "f" if series.dtype.is_numeric() else None
        if kind is None or kind not in "biufc":
            _check_array(name, np.asarray(series), f" in column {column!r}")


def _check_array(name: str, array: Array, column: str = "") -> None:
    """Raise if an array, or what stands in one column, is no numbers."""
    kind = array.dtype.kind
    if kind in "USTa" and array.size:
        raise ValueError(_text(name, _place(name, (0,) * array.ndim, column), array.reshape(-1)[:1].tolist()[0]))
    if kind in "Mm":
        raise ValueError(_date(name, f"{array.dtype}{column}"))
    _refuse_records(name, array)
    if kind != "O":
        return
    for i, value in enumerate(array.ravel().tolist()):
        # Most are numbers.
        if isinstance(value, int | float):
            continue
        index = tuple(int(number) for number in np.unravel_index(i, array.shape))
        if isinstance(value, str | bytes):
            raise ValueError(_text(name, _place(name, index, column), value))
        if type(value).__name__ in MISSING:
            raise ValueError(_missing(name, index, repr(value), column))
        if isinstance(value, DATES):
            raise ValueError(_date(name, f"{_place(name, index, column)} is {excerpt(value)}"))


def _refuse_records(name: str, array: Array) -> None:
    if array.dtype.names is not None:
        fields = ", ".join(array.dtype.names)
        raise ValueError(f"{name} must be a matrix of numbers, got records with the fields {fields}; pass "
                         f"numpy.lib.recfunctions.structured_to_unstructured({name})")


def _find_missing(name: str, array: Array) -> None:
    for i, value in enumerate(array.ravel().tolist()):
        if value is None or type(value).__name__ in MISSING:
            raise ValueError(_missing(name, tuple(map(int, np.unravel_index(i, array.shape))), repr(value)))


def _place(name: str, index: tuple[int, ...], column: str) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if not column else f"{name}, row {index[0]}{column},"


def _missing(name: str, index: tuple[int, ...], value: str, column: str = "") -> str:
    return (f"{_place(name, index, column)} is missing ({value}); drop such samples, or fill them first, for example "
            "with sklearn.impute.SimpleImputer")


def _date(name: str, what: str) -> str:
    return (f"{name} must hold numbers, got dates or times: {what}; make numbers of them first, such as the days since "
            'the first: (day - day.min()) / np.timedelta64(1, "D")')


def _text(name: str, place: str, value: Any) -> str:
    try:
        float(value)
    except (TypeError, ValueError):
        advice = "encode it first, for example with sklearn.preprocessing.OneHotEncoder or OrdinalEncoder"
    else:
        advice = f"write {name}.astype(float) if all of it is numbers"
    shown = excerpt(str(value) if isinstance(value, str) else value)
    return f"{name} must hold numbers, got text: {place} is {shown}; {advice}"
