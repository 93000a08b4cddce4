"""Optimizers, which turn a gradient into a step.

Each holds a learning rate (or None for its default) and the hyper-parameters of its formula. ``fit`` reads
them and takes the steps in compiled code; it never writes to the object, since an optimizer's state
belongs to the network that it trains. For a training loop written by hand, each has ``update(params, grads)``,
as the optimizers of the book have, and keeps the state of these updates on the object.

In the formulas ``W`` is a parameter, ``g`` its gradient, ``rate`` the learning rate, and ``t = 1, 2, ...`` the number
of the step. All state begins at 0.

Examples
--------
The minimum of ``x**2 / 20 + y**2``:

>>> from cnet.optimizers import Momentum
>>> params = {"x": -7.0, "y": 2.0}
>>> optimizer = Momentum(lr=0.1)
>>> for _ in range(100):
...     grads = {"x": params["x"] / 10, "y": 2 * params["y"]}
...     optimizer.update(params, grads)
>>> bool(abs(params["x"]) < 0.2 and abs(params["y"]) < 0.02)
True
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .checks import named_or_made
from .optimizer_base import Array, Optimizer
from .schedules import LinearRamp

__all__ = ["AdaGrad", "Adam", "AdamW", "LinearRamp", "Momentum", "Nesterov", "RMSprop", "SGD"]

# The book's SGD, Momentum, AdaGrad and RMSprop take the same steps as the classes here, up to rounding: its Momentum
# has the rate inside the velocity, which at a constant rate is this velocity times -rate. So does its Nesterov since
# January 2021; before, it took the velocity after its update where the formula has the one before. Its Adam adds
# epsilon (1e-7) before the correction of the bias, which is an epsilon of 1e-7 / sqrt(1 - beta2**t) here.


class SGD(Optimizer):
    """Plain stochastic gradient descent: ``W -= rate * g``.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.1 in ``fit`` and 0.01 in ``update``.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.1.

    Examples
    --------
    >>> from cnet.optimizers import SGD
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> net.fit(x, t, epochs=1, optimizer=SGD(lr=0.5)).epochs
    1
    """

    name: ClassVar[str] = "sgd"
    default_lr: ClassVar[float] = 0.1

    def __init__(self, *, lr: float | None = None) -> None:
        super().__init__(lr)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        weight -= rate * gradient


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v = momentum * v + g``, ``W -= rate * v``.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.1 in ``fit`` and 0.01 in ``update``.
    momentum : float, default 0.9
        At least 0 and below 1.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
       USSR Computational Mathematics and Mathematical Physics 4, 1964.

    Examples
    --------
    >>> from cnet.optimizers import Momentum
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> net.fit(x, t, epochs=1, optimizer=Momentum(momentum=0.8)).epochs
    1
    """

    name: ClassVar[str] = "momentum"
    n_states: ClassVar[int] = 1
    default_lr: ClassVar[float] = 0.1

    momentum: float

    def __init__(self, *, lr: float | None = None, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum=momentum)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        v, = states
        v *= self.momentum
        v += gradient
        weight -= rate * v


class Nesterov(Optimizer):
    """Nesterov's momentum: ``v = momentum * v + g``, ``W -= rate * (g + momentum * v)``.

    The gradient is that of the point to which the momentum alone would lead, which this form has as its ``W``.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.1 in ``fit`` and 0.01 in ``update``.
    momentum : float, default 0.9
        At least 0 and below 1.

    References
    ----------
    .. [1] Y. Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k^2)",
       Doklady Akademii Nauk SSSR 269, 1983.
    .. [2] I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and momentum in
       deep learning", ICML 2013. The form is that of PyTorch's ``SGD(nesterov=True)``.

    Examples
    --------
    >>> from cnet.optimizers import Nesterov
    >>> params = {"x": 1.0}
    >>> Nesterov(lr=0.5, momentum=0.5).update(params, {"x": 1.0})
    >>> params
    {'x': 0.25}
    """

    name: ClassVar[str] = "nesterov"
    n_states: ClassVar[int] = 1
    default_lr: ClassVar[float] = 0.1

    momentum: float

    def __init__(self, *, lr: float | None = None, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum=momentum)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        v, = states
        v *= self.momentum
        v += gradient
        weight -= rate * (gradient + self.momentum * v)


class AdaGrad(Optimizer):
    """Steps that become shorter where gradients were large: ``h += g**2``, ``W -= rate * g / (sqrt(h) + epsilon)``.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.01.
    epsilon : float, default 1e-7
        Above 0. The default is the book's.

    References
    ----------
    .. [1] J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic
       optimization", Journal of Machine Learning Research 12, 2011.

    Examples
    --------
    The first step is about `lr` long, however large the gradient:

    >>> from cnet.optimizers import AdaGrad
    >>> params = {"x": 1.0}
    >>> AdaGrad(lr=0.25).update(params, {"x": 1000.0})
    >>> round(params["x"], 6)
    0.75
    """

    name: ClassVar[str] = "adagrad"
    n_states: ClassVar[int] = 1
    default_lr: ClassVar[float] = 0.01

    epsilon: float

    def __init__(self, *, lr: float | None = None, epsilon: float = 1e-7) -> None:
        super().__init__(lr, epsilon=epsilon)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        h, = states
        h += gradient * gradient
        weight -= rate * gradient / (np.sqrt(h) + self.epsilon)


class RMSprop(Optimizer):
    """AdaGrad that forgets: ``h = d*h + (1 - d) * g**2``, ``W -= rate * g / (sqrt(h) + epsilon)``, d `decay_rate`.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.01.
    decay_rate : float, default 0.99
        At least 0 and below 1.
    epsilon : float, default 1e-7
        Above 0. The default is the book's; PyTorch's is 1e-8.

    References
    ----------
    .. [1] T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", Coursera: Neural networks for machine learning, 2012.

    Examples
    --------
    >>> from cnet.optimizers import RMSprop
    >>> params = {"x": 1.0}
    >>> RMSprop(lr=0.25, decay_rate=0.75).update(params, {"x": 1000.0})
    >>> round(params["x"], 6)
    0.5
    """

    name: ClassVar[str] = "rmsprop"
    n_states: ClassVar[int] = 1
    default_lr: ClassVar[float] = 0.01

    decay_rate: float
    epsilon: float

    def __init__(self, *, lr: float | None = None, decay_rate: float = 0.99, epsilon: float = 1e-7) -> None:
        super().__init__(lr, decay_rate=decay_rate, epsilon=epsilon)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        h, = states
        h *= self.decay_rate
        h += (1 - self.decay_rate) * gradient * gradient
        weight -= rate * gradient / (np.sqrt(h) + self.epsilon)


class Adam(Optimizer):
    """Means of gradient and square: ``W -= rate * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + epsilon)``.

    The means are ``m = beta1 * m + (1 - beta1) * g`` and ``v = beta2 * v + (1 - beta2) * g**2``.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.001.
    beta1, beta2 : float, default 0.9 and 0.999
        At least 0 and below 1.
    epsilon : float, default 1e-8
        Above 0; added after the correction of the bias, as in [1]_ and PyTorch.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from cnet.optimizers import Adam
    >>> params = {"x": 1.0}
    >>> Adam(lr=0.25).update(params, {"x": 1000.0})
    >>> round(params["x"], 6)
    0.75
    """

    name: ClassVar[str] = "adam"
    n_states: ClassVar[int] = 2
    default_lr: ClassVar[float] = 0.001
    update_lr: ClassVar[float] = 0.001

    beta1: float
    beta2: float
    epsilon: float

    def __init__(
        self, *, lr: float | None = None, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        super().__init__(lr, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        m, v = states
        m *= self.beta1
        m += (1 - self.beta1) * gradient
        v *= self.beta2
        v += (1 - self.beta2) * gradient * gradient
        corrected = np.sqrt(v / (1 - self.beta2**self._steps)) + self.epsilon
        weight -= rate / (1 - self.beta1**self._steps) * m / corrected


class AdamW(Adam):
    """Adam with decoupled weight decay: first ``W *= 1 - rate * weight_decay``, then Adam's step.

    ``fit`` applies the decay to weights, not to biases; ``update`` to arrays of two dimensions or more.

    Parameters
    ----------
    lr : float, optional
        The learning rate; None means 0.001.
    beta1, beta2 : float, default 0.9 and 0.999
        At least 0 and below 1.
    epsilon : float, default 1e-8
        Above 0; added after the correction of the bias, as in PyTorch.
    weight_decay : float, default 0.01
        Not negative.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.optimizers import AdamW
    >>> params = {"W": np.array([[4.0]]), "b": np.array([4.0])}
    >>> AdamW(lr=0.5, weight_decay=0.5).update(params, {"W": np.array([[0.0]]), "b": np.array([0.0])})
    >>> params["W"].tolist(), params["b"].tolist()
    ([[3.0]], [4.0])
    """

    name: ClassVar[str] = "adamw"

    weight_decay: float

    def __init__(
        self, *, lr: float | None = None, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        Optimizer.__init__(self, lr, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay)

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        if weight.ndim >= 2:
            weight *= 1 - rate * self.weight_decay
        super()._step(rate, weight, gradient, *states)


# The names of fit(optimizer=...): the only list of them.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    each.name: each for each in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW)
}


def as_optimizer(value: object) -> Optimizer:
    """Return what was passed to fit as ``optimizer`` as an object: itself, or a new one for a name.

    Raises
    ------
    TypeError
        If it is neither a name nor an object of one of the classes here.
    ValueError
        If the name is unknown.
    """
    optimizer: Optimizer = named_or_made("optimizer", value, OPTIMIZERS, "an optimizer of cnet.optimizers")
    return optimizer
