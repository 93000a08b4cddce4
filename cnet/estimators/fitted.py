"""An estimator that has been fitted: what it computes of samples, and how it is copied and converted."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from ..core._network import Network
from ..losses import Loss
from ..networks import MultiLayerNet
from .compiled import hidden_network, make_network, network_of, state_of, with_state
from .rows import outputs_of
from .settings import check_settings
from .validation import FLOATS, check_fitted, validated

__all__ = ["FittedNetwork"]

Array = npt.NDArray[Any]


class FittedNetwork(BaseEstimator, metaclass=ABCMeta):
    """The part of an estimator that begins where ``coefs_`` are known."""

    _network: Network
    dtype: Any

    @abstractmethod
    def _loss_function(self) -> Loss:
        """The loss, of the parameters and the output's activation."""

    def _loss_of_network(self) -> tuple[str, float]:
        loss = self._loss_function()
        return loss.name, loss.parameter

    def _hidden_activations(self) -> tuple[str, ...]:
        return check_settings(self).activations

    def _adopt(self, network: Network) -> None:
        """Let the fitted attributes be this network's memory."""
        self._network = network
        self.coefs_, self.intercepts_ = list(network.weights), list(network.biases)

    def hidden_activations(self, X: Any) -> list[Array]:
        """Compute the activations of each hidden layer.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        list of ndarray of shape (n_samples, n_units)
            One for each hidden layer.
        """
        check_fitted(self)
        x = self._check_inputs(X, finite=True)
        network = network_of(self)
        return [outputs_of(hidden_network(network, layer), x) for layer in range(1, len(network.weights))]

    def to_net(self) -> MultiLayerNet:
        """Return a network of cnet with copies of the weights, which needs no scikit-learn to be saved and loaded.

        Returns
        -------
        cnet.MultiLayerNet
            Its predictions are probabilities of classes, in the order of ``classes_`` (one, of the second of two
            classes), or numbers.
        """
        check_fitted(self)
        network = network_of(self)
        net = MultiLayerNet._around(make_network(
            network.weights, network.biases, network.activations, network.loss, network.loss_parameter,
            dtype=network.dtype,
        ))
        net._core.first_layer = network.first_layer
        return net

    def _take_net(self, net: Any, n_outputs: int, output: str) -> Self:
        """Become fitted with copies of a network's weights."""
        core = net._core
        self.n_features_in_, self.n_layers_ = core.sizes[0], len(core.sizes)
        self.n_outputs_, self.out_activation_ = n_outputs, output
        self.n_iter_ = self.t_ = 0
        network = make_network(core.weights, core.biases, core.activations, core.loss, core.loss_parameter,
                               dtype=core.dtype)
        network.first_layer = core.first_layer
        self._adopt(network)
        return self

    def _outputs(self, X: Any, network_of: Callable[[Any], Network] = network_of) -> Array:
        """What the last layer's activation gives for samples (n_samples, n_outputs), after all checks."""
        check_fitted(self)
        # Whether all is finite is looked at where it is read; scikit-learn's check then says what is not.
        x = self._check_inputs(X, finite=False)
        network = network_of(self)
        try:
            outputs: Array = outputs_of(network, x)
        except ValueError:
            self._check_inputs(X, finite=True)
            raise
        return outputs

    def _check_inputs(self, X: Any, finite: bool) -> Any:
        dtypes = FLOATS if self.dtype is None else (np.dtype(self.dtype),)
        return validated(self, X, dtypes, finite)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_network" in state:
            # Of arrays that were replaced, not of those that were fitted.
            state["_network"] = state_of(network_of(self))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        held = state.get("_network")
        super().__setstate__({name: value for name, value in state.items() if name != "_network"})
        if held is not None:
            self._adopt(with_state(self, held))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
