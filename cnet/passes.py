"""What a network computes of samples: predictions, the loss and other measures, and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .checks import check_number
from .core import _network, _numerical, _team
from .losses import Loss, loss_of
from .measures import has_values, measure_values
from .parameters import Parameters
from .trained_on import warn_unlike

__all__ = ["Passes"]

Array = npt.NDArray[Any]


class Passes:
    """The passes through a network, by its compiled core."""

    if TYPE_CHECKING:
        _core: _network.Network
        _params: Parameters

    @property
    def loss_function(self) -> Loss:
        """The loss: an object of `cnet.losses`.

        Examples
        --------
        >>> import cnet
        >>> cnet.MultiLayerNet(4, [3], 1, loss=cnet.losses.Huber(delta=2.0)).loss_function
        Huber(delta=2.0)
        """
        return loss_of(self._core.loss, self._core.loss_parameter)

    @property
    def weight_decay_lambda(self) -> float:
        """The factor of the L2 penalty, half the sum of all squared weights, in the loss and its gradient.

        Examples
        --------
        >>> import cnet
        >>> cnet.MultiLayerNet(4, [3], 2, weight_decay_lambda=0.1).weight_decay_lambda
        0.1
        """
        return self._core.weight_decay

    def predict(self, x: npt.ArrayLike) -> Array:
        """Compute what the loss models: with cross-entropy, the probability of each class.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.

        Returns
        -------
        numpy.ndarray, shape (B, O) or (O,)
            Of the network's dtype. With cross-entropy, rows sum to 1; see `cnet.losses` for the others.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold finite real numbers, or is of the wrong shape.

        Examples
        --------
        >>> import cnet
        >>> cnet.TwoLayerNet(4, 3, 2, rng=0).predict([0, 1, 0, 1]).shape
        (2,)
        """
        predictions: Array = self._core.predict(x)
        return predictions

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Compute the mean loss; with cross-entropy from the scores: ``log(sum(exp(s))) - s[label]``.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets: with cross-entropy class indices or one-hot rows; see `cnet.losses` for the others.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts: not negative, and not all 0. The mean is by weight.

        Returns
        -------
        float
            With cross-entropy in nats; summed in float64. Any number of rows takes the same memory. The penalty
            of `weight_decay_lambda` is part of it.

        Raises
        ------
        TypeError, ValueError
            If `x`, `t` or `sample_weight` is of the wrong type or shape, or a target is out of range.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> print(round(net.loss([0, 1, 0, 1], 0), 6))
        0.693147
        """
        loss: float = self._core.loss_and_accuracy(x, t, True, weight=sample_weight)[0]
        return loss + self._penalty() if self._core.weight_decay else loss

    def _penalty(self) -> float:
        """Half of lambda times the sum of all squared weights."""
        with np.errstate(all="ignore"):
            squares = sum(float(np.square(W, dtype=np.float64).sum()) for W in self._core.weights)
        return self._core.weight_decay / 2 * squares

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
            From 0 to 1; for a single sample 0.0 or 1.0.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`; ValueError also where it has no meaning, because the loss is not one of
            probabilities.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.accuracy([0, 1, 0, 1], 0)
        1.0
        """
        if not self._core.has_accuracy:
            raise ValueError(
                f"accuracy has no meaning for a network whose loss is {self._core.loss}: its predictions are not "
                "right or wrong; net.evaluate(x, t) returns the measures that have one"
            )
        accuracy: float = self._core.loss_and_accuracy(x, t, True, weight=sample_weight)[1]
        return accuracy

    def evaluate(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Compute every measure that has a meaning for the network's loss.

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
            ``loss``, as `loss` returns it. With cross-entropy and binary cross-entropy also ``accuracy``. With losses
            of values (all others but a quantile that is not the median) ``r2``, the coefficient of determination,
            and ``mean_absolute_error``, each averaged over the outputs.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`.

        Notes
        -----
        r2 is 1 less the squared error's share of the targets' variance. Of an output whose targets are all the same
        it is 1 where the predictions are exact, else 0; with fewer than two samples it is NaN.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.evaluate([[0, 1, 0, 1], [1, 0, 1, 0]], [0, 1])
        {'loss': 0.6931471805599453, 'accuracy': 0.5}
        """
        loss, accuracy = self._core.loss_and_accuracy(x, t, True, weight=sample_weight)
        measures = {"loss": loss + self._penalty() if self._core.weight_decay else loss}
        if accuracy is not None:
            measures["accuracy"] = accuracy
        if has_values(self.loss_function):
            measures |= measure_values(np.atleast_2d(self._core.predict(x)), t, sample_weight)
        return measures

    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, Array]:
        """Compute the derivatives of the loss with respect to every parameter, by backpropagation.

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
        dict of str to numpy.ndarray
            ``W1, b1, W2, b2``, ..., each of its parameter's shape and dtype.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`.

        References
        ----------
        .. [1] David E. Rumelhart, Geoffrey E. Hinton and Ronald J. Williams, "Learning representations by
           back-propagating errors", Nature 323, 1986.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.gradient([0, 1, 0, 1], 0)["b2"]
        array([-0.5,  0.5], dtype=float32)
        """
        weights, biases = self._core.gradient(x, t, sample_weight)
        return self._with_penalty([array for pair in zip(weights, biases, strict=True) for array in pair])

    def _with_penalty(self, gradients: list[Array]) -> dict[str, Array]:
        """Derivatives of the loss by name; the penalty's are added to those of weights."""
        decay = self._core.weight_decay
        if decay:
            with np.errstate(all="ignore"):
                for derivative, W in zip(gradients[::2], self._core.weights, strict=True):
                    derivative += np.multiply(W, decay, dtype=derivative.dtype)
        return dict(zip(self._params, gradients, strict=True))

    def numerical_gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, Array]:
        """Compute the derivatives of the loss with respect to every parameter, by central differences.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            The targets, as `loss` takes them.
        h : float, default 1e-4
            How far each parameter is moved up and down.
        sample_weight : array_like, shape (B,), optional
            How much each sample counts.

        Returns
        -------
        dict of str to numpy.ndarray
            ``W1, b1, W2, b2``, ..., always computed in float64 and returned as float64.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`; also if `h` is not a finite number above 0.

        Notes
        -----
        With two layers, cross-entropy, classes as targets and no weights, only what a parameter changes is computed
        anew. In all other cases the whole loss is computed twice for each parameter.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.numerical_gradient([0, 1, 0, 1], 0)["b2"].round(6)
        array([-0.5,  0.5])
        """
        step = check_number("h", h, positive=True)
        core = self._core
        exact = _network.Network(core.sizes, core.activations, np.dtype(np.float64), core.loss, core.loss_parameter)
        with _team.IeeeArithmetic():
            for arrays, sources in ((exact.weights, core.weights), (exact.biases, core.biases)):
                for array, source in zip(arrays, sources, strict=True):
                    array[...] = source
        exact.trained_on, exact.on_unlike = core.trained_on, warn_unlike
        return self._with_penalty(list(_numerical.numerical_gradient(exact, x, t, step, weight=sample_weight)))
