"""The same network in plain NumPy: the readable specification.

This module is neither compiled nor fast, and it does not validate its arguments. It says what the
compiled code must compute; the tests compare the two. The letters are the book's: x inputs,
a pre-activations, z activations, y probabilities, t targets; B samples, I inputs, H hidden units,
O outputs.

Examples
--------
>>> import numpy as np
>>> from cnet import reference
>>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
>>> reference.predict(params, np.array([[1.0, 2.0]]), "sigmoid")
array([[0.5, 0.5]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "PURPOSE_SAMPLE",
    "PURPOSE_SHUFFLE",
    "accuracy",
    "activate",
    "activation_grad",
    "draw_rows",
    "fit",
    "gradient",
    "loss",
    "numerical_gradient",
    "philox4x32",
    "predict",
    "scores",
    "shuffle_rows",
    "softmax",
]

Array = npt.NDArray[Any]
Params = dict[str, Array]

#: The last word of the counter for random numbers that draw mini-batches with replacement.
PURPOSE_SAMPLE = 1
#: The last word of the counter for random numbers that shuffle an epoch's rows.
PURPOSE_SHUFFLE = 2

MASK32 = np.uint64(0xFFFFFFFF)
SHIFT32 = np.uint64(32)


# ---- the network -----------------------------------------------------------------


@np.errstate(under="ignore")
def activate(a: Array, activation: str) -> Array:
    """Return the activations of the hidden layer.

    Parameters
    ----------
    a : numpy.ndarray of any shape
        Pre-activations.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    numpy.ndarray of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import activate
    >>> activate(np.array([-1.0, 0.0, 2.0]), "relu")
    array([0., 0., 2.])
    """
    if activation == "sigmoid":
        # exp of a negative number in both branches: nothing overflows.
        e = np.exp(-np.abs(a))
        result: Array = np.where(a < 0, e, a.dtype.type(1)) / (1 + e)
        return result
    if activation == "relu":
        return np.maximum(a, 0)
    result = np.tanh(a)
    return result


@np.errstate(under="ignore")
def activation_grad(z: Array, activation: str) -> Array:
    """Return the derivative of the activation function, from its value z.

    Parameters
    ----------
    z : numpy.ndarray of any shape
        Activations, not pre-activations.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    numpy.ndarray of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import activation_grad
    >>> activation_grad(np.array([0.5]), "sigmoid")
    array([0.25])
    """
    if activation == "sigmoid":
        slope: Array = z * (1 - z)
        return slope
    if activation == "relu":
        return (z > 0).astype(z.dtype)
    return 1 - z * z


@np.errstate(under="ignore")
def softmax(s: Array) -> Array:
    """Turn scores into probabilities, row by row.

    Parameters
    ----------
    s : numpy.ndarray, shape (B, O)

    Returns
    -------
    numpy.ndarray, shape (B, O)
        Each row sums to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import softmax
    >>> softmax(np.log(np.array([[1.0, 3.0]])))
    array([[0.25, 0.75]])
    """
    e = np.exp(s - s.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


@np.errstate(under="ignore")
def as_inputs(x: Array, dtype: Any) -> Array:
    """Return inputs as `dtype`: pixels (uint8) divided by 255, other numbers unchanged."""
    return x.astype(dtype) / dtype.type(255) if x.dtype == np.uint8 else x.astype(dtype)


@np.errstate(under="ignore")
def scores(params: Params, x: Array, activation: str) -> tuple[Array, Array]:
    """Return the hidden activations and the scores of a batch.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    z : numpy.ndarray, shape (B, H)
    s : numpy.ndarray, shape (B, O)

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import scores
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> z, s = scores(params, np.array([[1.0, 2.0]]), "sigmoid")
    >>> z, s
    (array([[0.5, 0.5, 0.5]]), array([[0., 0.]]))
    """
    x = as_inputs(x, params["W1"].dtype)
    z = activate(x @ params["W1"] + params["b1"], activation)
    return z, z @ params["W2"] + params["b2"]


def predict(params: Params, x: Array, activation: str) -> Array:
    """Return the probability of each class.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    numpy.ndarray, shape (B, O)

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import predict
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> predict(params, np.array([[1.0, 2.0]]), "sigmoid")
    array([[0.5, 0.5]])
    """
    return softmax(scores(params, x, activation)[1])


@np.errstate(under="ignore")
def row_losses(s: Array, t: Array) -> Array:
    """Return the cross-entropy of each row of scores, with class indices t: log(sum(exp(s))) - s[t]."""
    s = s.astype(np.float64)
    largest = s.max(axis=1)
    total = np.exp(s - largest[:, np.newaxis]).sum(axis=1)
    result: Array = np.log(total) + largest - s[np.arange(len(t)), t]
    return result


def loss(params: Params, x: Array, t: Array, activation: str) -> float:
    """Return the mean cross-entropy.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray of int, shape (B,)
        Class indices.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    float
        In nats.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import loss
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> round(loss(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid"), 6)
    0.693147
    """
    return float(row_losses(scores(params, x, activation)[1], t).mean())


def accuracy(params: Params, x: Array, t: Array, activation: str) -> float:
    """Return the share of samples whose largest score is that of their label.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray of int, shape (B,)
        Class indices.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import accuracy
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> accuracy(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid")
    1.0
    """
    return float((scores(params, x, activation)[1].argmax(axis=1) == t).mean())


@np.errstate(under="ignore")
def gradient(params: Params, x: Array, t: Array, activation: str) -> Params:
    """Return the derivatives of the mean loss with respect to every parameter, by backpropagation.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray of int, shape (B,)
        Class indices.
    activation : {"sigmoid", "relu", "tanh"}

    Returns
    -------
    dict of str to numpy.ndarray
        Each array has the shape of its parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import gradient
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> gradient(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid")["b2"]
    array([-0.5,  0.5])
    """
    x = as_inputs(x, params["W1"].dtype)
    z, s = scores(params, x, activation)
    # The derivative of softmax and cross-entropy together with respect to the scores is (y - t) / B.
    d2 = softmax(s)
    d2[np.arange(len(t)), t] -= 1
    d2 /= len(t)
    d1 = d2 @ params["W2"].T * activation_grad(z, activation)
    return {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": z.T @ d2, "b2": d2.sum(axis=0)}


@np.errstate(under="ignore")
def numerical_gradient(params: Params, x: Array, t: Array, activation: str, h: float = 1e-4) -> Params:
    """Return the derivatives of the mean loss by central differences, one parameter at a time.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray of int, shape (B,)
        Class indices.
    activation : {"sigmoid", "relu", "tanh"}
    h : float, default 1e-4
        How far each parameter is moved up and down.

    Returns
    -------
    dict of str to numpy.ndarray
        Each array has the shape of its parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import numerical_gradient
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> numerical_gradient(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid")["b2"].round(6)
    array([-0.5,  0.5])
    """
    result = {}
    for name, array in params.items():
        result[name] = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + h
            up = loss(params, x, t, activation)
            array[index] = value - h
            down = loss(params, x, t, activation)
            array[index] = value
            result[name][index] = (up - down) / (2 * h)
    return result


# ---- random numbers --------------------------------------------------------------


def philox4x32(key: int, sample: Array, epoch: int, purpose: int) -> Array:
    """Compute Philox4x32-10: four random words for each counter.

    Parameters
    ----------
    key : int
        64 bits.
    sample : numpy.ndarray of uint64, shape (n,)
        The low half of the counter.
    epoch, purpose : int
        The other two words of the counter, 32 bits each.

    Returns
    -------
    numpy.ndarray of uint64, shape (n, 4)
        Words below 2**32.

    References
    ----------
    .. [1] John K. Salmon, Mark A. Moraes, Ron O. Dror and David E. Shaw, "Parallel random
       numbers: as easy as 1, 2, 3", SC 2011.

    Examples
    --------
    The known answer for a counter and a key of zeros:

    >>> import numpy as np
    >>> from cnet.reference import philox4x32
    >>> [hex(word) for word in philox4x32(0, np.array([0]), 0, 0)[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    sample = np.asarray(sample, np.uint64)
    c0, c1 = sample & MASK32, sample >> SHIFT32
    c2 = np.full_like(sample, epoch)
    c3 = np.full_like(sample, purpose)
    k0, k1 = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> SHIFT32) ^ c1 ^ k0, p1 & MASK32, (p0 >> SHIFT32) ^ c3 ^ k1, p0 & MASK32
        k0 = (k0 + np.uint64(0x9E3779B9)) & MASK32
        k1 = (k1 + np.uint64(0xBB67AE85)) & MASK32
    return np.stack([c0, c1, c2, c3], axis=1)


def words(key: int, n: int, epoch: int, purpose: int) -> Array:
    """Return the first n words of a stream: four from each counter."""
    return philox4x32(key, np.arange(-(-n // 4)), epoch, purpose).reshape(-1)[:n]


def draw_rows(key: int, epoch: int, n_draws: int, n_rows: int) -> Array:
    """Draw the rows of an epoch's mini-batches, with replacement.

    Parameters
    ----------
    key : int
        64 bits.
    epoch : int
    n_draws : int
        The number of rows to draw.
    n_rows : int
        The number of rows to draw from.

    Returns
    -------
    numpy.ndarray of int64, shape (n_draws,)

    Examples
    --------
    >>> from cnet.reference import draw_rows
    >>> rows = draw_rows(0, 0, 5, 100)
    >>> rows.shape, bool((rows < 100).all())
    ((5,), True)
    """
    drawn = words(key, n_draws, epoch, PURPOSE_SAMPLE) * np.uint64(n_rows) >> SHIFT32
    return drawn.astype(np.int64)


def shuffle_rows(key: int, epoch: int, n_rows: int) -> Array:
    """Shuffle all rows (Fisher and Yates): each place, from the last to the first, swaps with one up to it.

    Parameters
    ----------
    key : int
        64 bits.
    epoch : int
    n_rows : int

    Returns
    -------
    numpy.ndarray of int64, shape (n_rows,)
        Every row, once.

    Examples
    --------
    >>> from cnet.reference import shuffle_rows
    >>> sorted(shuffle_rows(0, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    order = np.arange(n_rows)
    random = words(key, n_rows, epoch, PURPOSE_SHUFFLE)
    for i in range(n_rows - 1, 0, -1):
        j = int(random[i]) * (i + 1) >> 32
        order[[i, j]] = order[[j, i]]
    return order


# ---- training --------------------------------------------------------------------


@np.errstate(under="ignore")
def fit(
    params: Params,
    x: Array,
    t: Array,
    activation: str,
    *,
    iterations: int,
    batch_size: int,
    learning_rate: float | Array,
    momentum: float = 0.0,
    sampling: str,
    key: int,
    first_epoch: int = 0,
    after_iteration: Callable[[Params], None] | None = None,
) -> Array:
    """Train `params` in place by mini-batches.

    An epoch is ceil(N / batch_size) iterations. With sampling "replacement", the batches of an
    epoch are consecutive draws; with "shuffle", they are consecutive parts of the shuffled rows, and
    the last one may be short. With momentum, velocities begin at 0.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    x : numpy.ndarray, shape (N, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray of int, shape (N,)
        Class indices.
    activation : {"sigmoid", "relu", "tanh"}
    iterations, batch_size : int
    learning_rate : float or numpy.ndarray, shape (iterations,)
        One rate for all iterations, or one for each.
    momentum : float, default 0
    sampling : {"replacement", "shuffle"}
    key : int
        The key of the stream of random numbers: ``TwoLayerNet.seed``.
    first_epoch : int, default 0
    after_iteration : callable, optional
        Called with `params` after each update.

    Returns
    -------
    numpy.ndarray, shape (iterations,)
        The loss of each mini-batch, before its update.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import fit
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> losses = fit(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid", iterations=2, batch_size=1,
    ...              learning_rate=1.0, sampling="shuffle", key=0)
    >>> bool(losses[1] < losses[0])
    True
    """
    per_epoch = -(-len(x) // batch_size)
    losses = np.empty(iterations)
    rates = np.broadcast_to(learning_rate, iterations)
    velocity = {name: np.zeros_like(array) for name, array in params.items()}
    for iteration in range(iterations):
        epoch, step = divmod(iteration, per_epoch)
        if step == 0:
            if sampling == "shuffle":
                rows = shuffle_rows(key, first_epoch + epoch, len(x))
            else:
                rows = draw_rows(key, first_epoch + epoch, per_epoch * batch_size, len(x))
        batch = rows[step * batch_size : (step + 1) * batch_size]
        losses[iteration] = loss(params, x[batch], t[batch], activation)
        grads = gradient(params, x[batch], t[batch], activation)
        for name in params:
            velocity[name] = params[name].dtype.type(momentum) * velocity[name] + grads[name]
            params[name] -= params[name].dtype.type(rates[iteration]) * velocity[name]
        if after_iteration is not None:
            after_iteration(params)
    return losses
