"""What one fit is to do, all of it checked; and the way back from one that was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core._network import Network
from ..options import FitOptions
from .settings import Settings
from .watch import Samples

__all__ = ["Task", "Undo"]


@dataclass
class Task:
    """A fit that nothing speaks against.

    Attributes
    ----------
    settings : Settings
    network : Network
        To be trained.
    train : Samples
        As they were given, with the caller's weights.
    weighed : Samples
        Those to train on, with the weights of training: without those held out.
    held_out : Samples or None
        To validate with.
    random_state : numpy.random.RandomState
        Of the shuffles.
    incremental : bool
        Whether this is partial_fit, of one epoch.
    forgets : bool
        Whether the optimizer begins anew.
    options : FitOptions or None
        None: for "lbfgs".
    context : object or None
        scikit-learn's context of its callbacks, where there are callbacks.
    """

    settings: Settings
    network: Network
    train: Samples
    weighed: Samples
    held_out: Samples | None
    random_state: np.random.RandomState
    incremental: bool
    forgets: bool = False
    options: FitOptions | None = None
    context: Any = None


class Undo:
    """What an estimator was before a fit: attributes, random numbers to come, the network's penalty and state.

    Parameters
    ----------
    estimator : object
        Attributes are replaced while a fit is prepared; what they hold is not changed.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator: Any = estimator
        self.attributes = dict(vars(estimator))
        self.random: tuple[np.random.RandomState, Any] | None = None
        self.network: tuple[Any, float, Any] | None = None

    def remember(self, random_state: np.random.RandomState) -> np.random.RandomState:
        """Remember what will be drawn next, unless nobody else draws."""
        if self.estimator.random_state is None or random_state is self.estimator.random_state:
            self.random = random_state, random_state.get_state()
        return random_state

    def keep(self, network: Network) -> Network:
        """Remember what is set of a network that an earlier fit left."""
        self.network = network, network.weight_decay, network.optimizer_state
        return network

    def forget(self) -> None:
        """The fit has begun: what it does stays done, and what was before needs no memory."""
        self.estimator = self.random = self.network = None
        self.attributes = {}

    def put_back(self) -> None:
        """After an error: undo all, if the fit had not begun."""
        if self.estimator is None:
            return
        attributes = vars(self.estimator)
        attributes.clear()
        attributes.update(self.attributes)
        if self.random is not None:
            self.random[0].set_state(self.random[1])
        if self.network is not None:
            network, penalty, state = self.network
            network.weight_decay, network.optimizer_state = penalty, state
