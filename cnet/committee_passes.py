"""What a committee computes of samples: the mean prediction of its networks, and measures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .core._arrays import real_array
from .losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson
from .networks import MultiLayerNet

if TYPE_CHECKING:
    from .preprocess import Normalize

__all__ = ["CommitteePasses"]

Array = npt.NDArray[Any]


class CommitteePasses:
    """The passes through all networks of a committee."""

    if TYPE_CHECKING:
        networks: tuple[MultiLayerNet, ...]
        preprocessing: tuple[Normalize | None, ...]

        @property
        def dtype(self) -> np.dtype[Any]: ...

        @property
        def loss_function(self) -> Loss: ...

    def predict(self, x: npt.ArrayLike) -> Array:
        """Compute the mean of the networks' predictions: with cross-entropy, the probability of each class.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.

        Returns
        -------
        numpy.ndarray, shape (B, O) or (O,)
            Summed in float64 in the order of the networks, and returned as `dtype`.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold finite real numbers, or is of the wrong shape.

        Examples
        --------
        >>> import cnet
        >>> cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=seed) for seed in range(2)]).predict([0, 1, 0, 1]).shape
        (2,)
        """
        return self._mean(x).astype(self.dtype)

    def _mean(self, x: npt.ArrayLike) -> Array:
        """The mean prediction in float64."""
        prepared: dict[Normalize | None, npt.ArrayLike] = {None: x}
        total: Array | None = None
        for net, prepare in zip(self.networks, self.preprocessing, strict=True):
            if prepare not in prepared:
                prepared[prepare] = _prepared(prepare, x)
            y = net.predict(prepared[prepare])
            total = y.astype(np.float64) if total is None else np.add(total, y, out=total)
        assert total is not None
        total /= len(self.networks)
        return total

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Compute the loss of the mean prediction; with cross-entropy the mean of ``-log(p[label])``.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets: with cross-entropy class indices or one-hot rows; see `cnet.losses` for the others.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        float
            Without the networks' penalties.

        Raises
        ------
        TypeError, ValueError
            If `x`, `t` or `sample_weight` is of the wrong type or shape, or a target is out of range.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> print(round(committee.loss([0, 1, 0, 1], 0), 6))
        0.693147
        """
        judge, scores = self._judged(x)
        return judge.loss(scores, t, sample_weight)

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Compute the share of samples whose most probable class is their label.

        With binary cross-entropy, it is the share of samples of which each output is on its label's side of 0.5.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows; with binary cross-entropy labels (B, O).
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`; ValueError also where it has no meaning, because the loss is not one of
            probabilities.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> committee.accuracy([0, 1, 0, 1], 0)
        1.0
        """
        judge, scores = self._judged(x)
        return judge.accuracy(scores, t, sample_weight)

    def evaluate(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Compute every measure that has a meaning for the networks' loss, of the mean prediction.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets, as `loss` takes them.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        dict of str to float
            As `MultiLayerNet.evaluate` returns it: ``loss``, and ``accuracy``, ``r2`` and ``mean_absolute_error``
            where they have a meaning.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`.

        Examples
        --------
        >>> import cnet
        >>> committee = cnet.Committee([cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)])
        >>> {name: round(value, 6) for name, value in committee.evaluate([[0, 1, 0, 1]], [0]).items()}
        {'loss': 0.693147, 'accuracy': 1.0}
        """
        judge, scores = self._judged(x)
        return judge.evaluate(scores, t, sample_weight)

    def _judged(self, x: npt.ArrayLike) -> tuple[MultiLayerNet, Array]:
        """A network without hidden layers that hands its inputs on, and inputs for which it predicts the mean.

        So targets, weights and measures of every loss are read and computed by the same code as a network's.
        """
        mean = self._mean(x)
        n_out = mean.shape[-1]
        judge = MultiLayerNet(n_out, [], n_out, weight_init_std=0, loss=self.loss_function, dtype=np.float64, rng=0)
        np.fill_diagonal(judge.params["W1"], 1)
        return judge, _scores_of(mean, self.loss_function)


def _prepared(prepare: Normalize | None, x: npt.ArrayLike) -> npt.ArrayLike:
    """Images, or a single one, as a network was trained on them."""
    if prepare is None:
        return x
    array = real_array(x, "x")
    return prepare(array[None])[0] if array.ndim == 1 else prepare(array)


def _scores_of(mean: Array, loss: Loss) -> Array:
    """The scores of which a loss makes these predictions."""
    if not np.isfinite(mean).all():
        raise ValueError("the mean prediction is not finite: parameters of a network, or what it predicts, are not")
    least, most = np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg
    if isinstance(loss, CrossEntropy | Poisson):
        scores: Array = np.log(np.maximum(mean, least))
        return scores
    if isinstance(loss, BinaryCrossEntropy):
        p = np.clip(mean, least, most)
        logits: Array = np.log(p) - np.log1p(-p)
        return logits
    return mean
