"""Losses: what a network is trained to make small, and with it what it models.

A loss also decides what the targets are and what ``predict`` returns. ``loss=`` takes a name or an object of a class
here. Every loss is summed over the outputs of a sample, and averaged over samples (by weight where they have
weights).

In the formulas ``s`` are the scores of the last layer (B, O), ``t`` the targets, ``r = s - t``; the sums are
over outputs.

Examples
--------
>>> from cnet.losses import Huber
>>> Huber(delta=2)
Huber(delta=2.0)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .checks import check_number, check_share, named_or_made
from .values import Value

__all__ = [
    "AbsoluteError", "BinaryCrossEntropy", "CrossEntropy", "Huber", "Poisson", "Quantile", "SquaredError",
]


class Loss(Value):
    """The base of all losses: a name, and at most one parameter."""

    name: ClassVar[str]
    # Whether targets can be smoothed: they are probabilities.
    smooths_labels: ClassVar[bool] = False
    # Whether predictions are values meant to be close to the targets: then r2 and mean_absolute_error have a meaning.
    predicts_values: ClassVar[bool] = True
    # What makes predictions of scores: "identity", "softmax", "sigmoid" or "exp".
    output: ClassVar[str] = "identity"

    @property
    def parameter(self) -> float:
        """The loss's parameter, or 0.0 where it has none.

        Examples
        --------
        >>> from cnet.losses import Poisson, Quantile
        >>> Quantile(0.9).parameter, Poisson().parameter
        (0.9, 0.0)
        """
        return float(next(iter(self._attributes().values()), 0.0))


class CrossEntropy(Loss):
    """Softmax and cross-entropy, for classes that exclude each other: ``log(sum(exp(s))) - sum(t * s)``.

    Targets are class indices (B,), one-hot rows (B, O), or rows of probabilities that sum to 1. ``predict`` returns the
    classes' probabilities, the softmax of the scores.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.2.2.

    Examples
    --------
    >>> from cnet.losses import CrossEntropy
    >>> CrossEntropy().name
    'cross_entropy'
    """

    name: ClassVar[str] = "cross_entropy"
    smooths_labels: ClassVar[bool] = True
    predicts_values: ClassVar[bool] = False
    output: ClassVar[str] = "softmax"


class BinaryCrossEntropy(Loss):
    """A sigmoid for each output, for labels that may go together: ``sum(max(s, 0) - s*t + log(1 + exp(-abs(s))))``.

    Targets are labels 0 and 1, or shares between them, (B, O); with one output (B,) too. ``predict`` returns the
    probability of each label, the sigmoid of the scores.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern recognition and machine learning", Springer, 2006, section 5.2.

    Examples
    --------
    >>> from cnet.losses import BinaryCrossEntropy
    >>> BinaryCrossEntropy().name
    'binary_cross_entropy'
    """

    name: ClassVar[str] = "binary_cross_entropy"
    smooths_labels: ClassVar[bool] = True
    predicts_values: ClassVar[bool] = False
    output: ClassVar[str] = "sigmoid"


class SquaredError(Loss):
    """Half the squared difference, for regression to the mean: ``sum(r**2) / 2``.

    Targets are numbers, (B, O); with one output (B,) too. ``predict`` returns the scores, which model
    the targets' mean.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern recognition and machine learning", Springer, 2006, section 5.2.

    Examples
    --------
    >>> from cnet.losses import SquaredError
    >>> SquaredError().name
    'squared_error'
    """

    name: ClassVar[str] = "squared_error"


class AbsoluteError(Loss):
    """The absolute difference, for regression to the median: ``sum(abs(r))``.

    Targets are numbers, (B, O); with one output (B,) too. ``predict`` returns the scores, which model
    the targets' median. The derivative at ``r = 0`` is taken to be 0.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, "The elements of statistical learning", Springer, 2009,
       section 10.6.

    Examples
    --------
    >>> from cnet.losses import AbsoluteError
    >>> AbsoluteError().name
    'absolute_error'
    """

    name: ClassVar[str] = "absolute_error"


class Huber(Loss):
    """Squared error near 0, absolute beyond: ``r**2 / 2`` up to `delta`, then ``delta * (abs(r) - delta/2)``, summed.

    Targets are numbers, (B, O); with one output (B,) too. ``predict`` returns the scores. Targets that are far off
    count less than with `SquaredError`. This is PyTorch's ``huber_loss``.

    Parameters
    ----------
    delta : float, default 1.0
        Where the parabola becomes a straight line, in units of the targets: above 0.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> from cnet.losses import Huber
    >>> Huber(2.0).parameter
    2.0
    """

    name: ClassVar[str] = "huber"

    delta: float

    def __init__(self, delta: float = 1.0) -> None:
        self._set(delta=check_number("delta", delta, positive=True))


class Poisson(Loss):
    """Half the deviance of counts, with a logarithmic link: ``sum(exp(s) - t*s + t*log(t) - t)``.

    Targets are counts or rates, not negative, (B, O); with one output (B,) too. ``predict`` returns the expected
    counts, ``exp(s)``. The terms in ``t`` alone make the loss of a perfect prediction 0.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized linear models", Chapman and Hall, 1989, section 2.3.

    Examples
    --------
    >>> from cnet.losses import Poisson
    >>> Poisson().name
    'poisson'
    """

    name: ClassVar[str] = "poisson"
    output: ClassVar[str] = "exp"


class Quantile(Loss):
    """The pinball loss, for regression to a quantile: ``sum(max(q * -r, (1 - q) * r))``.

    Targets are numbers, (B, O); with one output (B,) too. ``predict`` returns the scores, which model the value that a
    target is below with probability `q`. The derivative at ``r = 0`` is taken to be 0.

    Parameters
    ----------
    q : float, default 0.5
        The quantile: above 0 and below 1. 0.5 is the median, at half of `AbsoluteError`.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> from cnet.losses import Quantile
    >>> Quantile(0.9).parameter
    0.9
    """

    name: ClassVar[str] = "quantile"

    q: float

    def __init__(self, q: float = 0.5) -> None:
        self._set(q=check_share("q", q, positive=True))


# The names of loss=...: the only list of them.
LOSSES: dict[str, type[Loss]] = {
    each.name: each
    for each in (CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson, Quantile)
}


def as_loss(value: object) -> Loss:
    """Return what was passed as ``loss`` as an object: itself, or a new one for a name.

    Raises
    ------
    TypeError
        If it is neither a name nor an object of one of the classes here.
    ValueError
        If the name is unknown.
    """
    loss: Loss = named_or_made("loss", value, LOSSES, "a loss of cnet.losses")
    return loss


def loss_of(name: str, parameter: float) -> Loss:
    """Return the loss of a name in `LOSSES`, with its parameter if it has one."""
    kind: Callable[..., Loss] = LOSSES[name]
    # One that has a parameter has a default for it, which is not 0.
    return kind(parameter) if kind().parameter else kind()
