"""What a fit trains with: its rows, the share of them that is held out, and their weights."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .checks import check_number, excerpt
from .core._arrays import native, real_array
from .core._inputs import as_inputs
from .core._targets import as_targets, read_labels, read_weights
from .core._trainer import shuffled
from .errors import raise_in_context

if TYPE_CHECKING:
    from .core._network import Network
    from .options import FitOptions

__all__ = ["FitData", "n_held_out", "refuse_wrong_rows", "take_data"]

Array = npt.NDArray[Any]
Rows = tuple[Any, Any, Any]


class FitData(NamedTuple):
    """Inputs, targets and weights (or None) to train with, and the same to validate with (or None)."""

    x: Array
    t: Any
    weight: Array | None
    validation: Rows | None


def take_data(
    core: Network, x: Any, t: Any, options: FitOptions, key: int, *,
    validation_data: Any = None, sample_weight: Any = None, class_weight: Any = None,
) -> FitData:
    """Check and divide what was passed to fit, as far as that needs no look at all inputs.

    Parameters
    ----------
    core : Network
    x, t : array_like
        Inputs and targets. What is wrong with them alone is left to the trainer.
    options : FitOptions
        `validation_split` and `n_threads` are read.
    key : int
        Of the fit's random numbers: it says which rows are held out.
    validation_data, sample_weight, class_weight : object
        See ``fit``.

    Raises
    ------
    TypeError, ValueError
        If one of them is of the wrong type, shape or range; the message names it.
    """
    # What is no array yet becomes one here, once.
    x = real_array(x, "x")
    n_rows = x.shape[0] if x.ndim else 1
    weight = None if sample_weight is None else read_weights(sample_weight, n_rows)
    validation = None if validation_data is None else _check_validation(core, validation_data, options.n_threads)
    if options.validation_split is not None and x.ndim == 2:
        x, t, weight, validation = _divide(core, x, t, weight, options, key)
    if class_weight is not None and x.ndim == 2:
        weight = _weigh_classes(core, t, weight, class_weight, x.shape[0])
    return FitData(x, t, weight, validation)


def n_held_out(share: float, n_rows: int) -> int:
    """How many of at least two rows are held out: a share of them, rounded, but at least one and not all.

    Examples
    --------
    >>> n_held_out(0.25, 10), n_held_out(0.01, 10), n_held_out(0.99, 10)
    (2, 1, 9)
    """
    return min(max(1, round(share * n_rows)), n_rows - 1)


def _check_validation(core: Network, data: Any, n_threads: int) -> Rows:
    """(x, t, None), looked at before training begins rather than after the first epoch, and converted once."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"validation_data must be a pair (x, t), got {type(data).__name__}")
    return _ready(core, (*data, None), "validation_data", n_threads)


def _ready(core: Network, rows: Rows, name: str, n_threads: int) -> Rows:
    """Rows that were tried once, so that they can be measured at every epoch's end."""
    x, t, weight = rows
    try:
        x, t = as_inputs(x, core.dtype), _targets(core, t)
        core.loss_and_accuracy(x, t, n_threads=n_threads, weight=weight)
    except (TypeError, ValueError) as error:
        raise_in_context(error, name)
    return x, t, weight


def _targets(core: Network, t: Any) -> Array:
    """Targets as an array, which the loss reads."""
    array: Array = as_targets(t) if core.loss == "cross_entropy" else real_array(t, "t")
    return array


def refuse_wrong_rows(core: Network, x: Any, t: Any) -> None:
    """Raise for the first sample that is wrong, by its number among all: after a share of them was refused.

    Parameters
    ----------
    core : Network
    x, t : array_like
        What was passed to fit.

    Raises
    ------
    TypeError, ValueError
        If `x` or `t` is wrong; else nothing happens.
    """
    try:
        core.loss_and_accuracy(x, t)
    except (TypeError, ValueError) as error:
        # The refusal of the share says the same with another number.
        raise error from None


def _divide(
    core: Network, x: Array, t: Any, weight: Array | None, options: FitOptions, key: int
) -> tuple[Array, Array, Array | None, Rows]:
    """Training rows and the rows held out, as copies in their former order."""
    share, n_rows = options.validation_split, len(x)
    assert share is not None
    if n_rows < 2:
        raise ValueError(f"validation_split needs at least 2 samples, of which one is held out; got {n_rows}")
    t = _targets(core, t)
    if t.ndim == 0 or len(t) != n_rows:
        raise ValueError(f"t must hold a target for each of {n_rows} samples, got shape {t.shape}")
    n_held = n_held_out(share, n_rows)
    order = shuffled(key, n_rows)
    held, kept = np.sort(order[:n_held]), np.sort(order[n_held:])
    rows = x[held], t[held], None if weight is None else weight[held]
    try:
        validation = _ready(core, rows, "validation_split", options.n_threads)
    except (TypeError, ValueError):
        refuse_wrong_rows(core, x, t)
        raise
    weight = None if weight is None else weight[kept]
    if weight is not None and not weight.any():
        raise ValueError("sample_weight is 0 for every sample that validation_split leaves to train with")
    return x[kept], t[kept], weight, validation


def _weigh_classes(core: Network, t: Any, weight: Array | None, class_weight: Any, n_rows: int) -> Array:
    """The samples' weights, each times its class's."""
    n_classes, labels = _read_classes(core, t, n_rows)
    factors = _class_factors(class_weight, labels, weight, n_classes)
    with np.errstate(all="ignore"):
        weighed = factors[labels] if weight is None else weight * factors[labels]
        total = weighed.sum()
    if not total:
        raise ValueError("class_weight makes the weight of every sample 0; at least one must be above 0")
    # As sample_weight has to be.
    if not 1e-290 <= total <= 1e290:
        size = "large" if total > 1 else "small"
        raise ValueError(f"class_weight makes the samples' weights too {size} for a float; divide it by its largest "
                         "value")
    return weighed


def _read_classes(core: Network, t: Any, n_rows: int) -> tuple[int, Array]:
    """How many classes there are, and each sample's."""
    n_out = core.sizes[-1]
    binary = core.loss == "binary_cross_entropy" and n_out == 1
    if core.loss != "cross_entropy" and not binary:
        raise ValueError("class_weight goes with targets that are classes: with cross-entropy, or with binary "
                         f"cross-entropy of one output; this network has {n_out} outputs and the loss {core.loss}")
    t = as_targets(t)
    if binary and t.shape == (n_rows, 1):
        t = native(t, t.dtype).reshape(n_rows)
    n_classes = 2 if binary else n_out
    try:
        return n_classes, read_labels(t, n_rows, n_classes)
    except ValueError as error:
        raise_in_context(error, "class_weight needs class indices or one-hot rows")


def _class_factors(class_weight: Any, labels: Array, weight: Array | None, n_classes: int) -> Array:
    """The weight of each class."""
    factors = np.ones(n_classes)
    if isinstance(class_weight, str) and class_weight == "balanced":
        # All classes weigh the same together: total / (number of classes * the class's own weight).
        sums = np.bincount(labels, weight, n_classes)
        present = sums > 0
        factors[present] = sums.sum() / (np.count_nonzero(present) * sums[present])
        return factors
    if not isinstance(class_weight, Mapping):
        kind = ValueError if isinstance(class_weight, str) else TypeError
        raise kind('class_weight must be "balanced" or a dict of weights by class, such as {0: 1.0, 1: 5.0}, got '
                   f"{excerpt(class_weight)}")
    for label, value in class_weight.items():
        try:
            index = -1 if isinstance(label, bool | np.bool_) else operator.index(label)
        except TypeError:
            index = -1
        if not 0 <= index < n_classes:
            raise ValueError(f"class_weight has the key {excerpt(label)}; expected classes, from 0 to {n_classes - 1}")
        factors[index] = check_number(f"class_weight[{index}]", value, positive=False)
    return factors
