"""The same network in plain NumPy: the readable specification.

Nothing here is compiled, fast or checked at the door; it says what the compiled
code must compute, and the tests hold the one against the other. Letters are the
book's: x inputs, a pre-activations, z activations, y probabilities, t targets;
B samples, I inputs, H hidden units, O outputs.

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

# What random numbers are drawn for: the last word of the counter.
PURPOSE_SAMPLE = 1
PURPOSE_SHUFFLE = 2

MASK32 = np.uint64(0xFFFFFFFF)
SHIFT32 = np.uint64(32)


# ---- the network -----------------------------------------------------------------


def activate(a: Array, activation: str) -> Array:
    """Activation of the hidden layer."""
    if activation == "sigmoid":
        # exp of a negative number in both branches: nothing overflows.
        e = np.exp(-np.abs(a))
        result: Array = np.where(a < 0, e, a.dtype.type(1)) / (1 + e)
        return result
    if activation == "relu":
        return np.maximum(a, 0)
    result = np.tanh(a)
    return result


def activation_grad(z: Array, activation: str) -> Array:
    """Derivative of the activation, from its value z."""
    if activation == "sigmoid":
        slope: Array = z * (1 - z)
        return slope
    if activation == "relu":
        return (z > 0).astype(z.dtype)
    return 1 - z * z


def softmax(s: Array) -> Array:
    """Scores (B, O) to probabilities."""
    e = np.exp(s - s.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


def as_inputs(x: Array, dtype: Any) -> Array:
    """Pixels (uint8) are value/255; other numbers stay what they are."""
    return x.astype(dtype) / dtype.type(255) if x.dtype == np.uint8 else x.astype(dtype)


def scores(params: Params, x: Array, activation: str) -> tuple[Array, Array]:
    """Hidden activations (B, H) and scores (B, O) of inputs (B, I)."""
    x = as_inputs(x, params["W1"].dtype)
    z = activate(x @ params["W1"] + params["b1"], activation)
    return z, z @ params["W2"] + params["b2"]


def predict(params: Params, x: Array, activation: str) -> Array:
    """Probabilities (B, O)."""
    return softmax(scores(params, x, activation)[1])


def row_losses(s: Array, t: Array) -> Array:
    """Cross-entropy of each row of scores, with indices t: log(sum(exp(s))) - s[t]."""
    s = s.astype(np.float64)
    largest = s.max(axis=1)
    total = np.exp(s - largest[:, np.newaxis]).sum(axis=1)
    result: Array = np.log(total) + largest - s[np.arange(len(t)), t]
    return result


def loss(params: Params, x: Array, t: Array, activation: str) -> float:
    """Mean cross-entropy of samples with class indices t (B,)."""
    return float(row_losses(scores(params, x, activation)[1], t).mean())


def accuracy(params: Params, x: Array, t: Array, activation: str) -> float:
    """Share of samples whose largest score is their label's."""
    return float((scores(params, x, activation)[1].argmax(axis=1) == t).mean())


def gradient(params: Params, x: Array, t: Array, activation: str) -> Params:
    """Derivatives of the mean loss by every parameter, by backpropagation."""
    x = as_inputs(x, params["W1"].dtype)
    z, s = scores(params, x, activation)
    # Of softmax and cross-entropy together, the derivative by the scores is (y - t) / B.
    d2 = softmax(s)
    d2[np.arange(len(t)), t] -= 1
    d2 /= len(t)
    d1 = d2 @ params["W2"].T * activation_grad(z, activation)
    return {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": z.T @ d2, "b2": d2.sum(axis=0)}


def numerical_gradient(params: Params, x: Array, t: Array, activation: str, h: float = 1e-4) -> Params:
    """Derivatives of the mean loss by central differences, one parameter at a time."""
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
    """Philox4x32-10: four random words for each counter.

    Parameters
    ----------
    key : int
        64 bits.
    sample : numpy.ndarray of uint64, shape (n,)
        The low half of the counter.
    epoch, purpose : int
        Its other two words, 32 bits each.

    Returns
    -------
    numpy.ndarray of uint64, shape (n, 4)
        Words below 2**32.

    References
    ----------
    .. [1] J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random
       numbers: as easy as 1, 2, 3", SC 2011.

    Examples
    --------
    The known answer for a counter and a key of zeros:

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
    """The first n words of a stream: four from each counter."""
    return philox4x32(key, np.arange(-(-n // 4)), epoch, purpose).reshape(-1)[:n]


def draw_rows(key: int, epoch: int, n_draws: int, n_rows: int) -> Array:
    """The first n_draws rows that an epoch draws, with replacement, of n_rows."""
    drawn = words(key, n_draws, epoch, PURPOSE_SAMPLE) * np.uint64(n_rows) >> SHIFT32
    return drawn.astype(np.int64)


def shuffle_rows(key: int, epoch: int, n_rows: int) -> Array:
    """An epoch's order of all rows: each place, from the last, takes one of those before it."""
    order = np.arange(n_rows)
    random = words(key, n_rows, epoch, PURPOSE_SHUFFLE)
    for i in range(n_rows - 1, 0, -1):
        j = int(random[i]) * (i + 1) >> 32
        order[[i, j]] = order[[j, i]]
    return order


# ---- training --------------------------------------------------------------------


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
    """Train `params` in place by mini-batches; returns the loss of each iteration.

    An epoch is ceil(N / batch_size) iterations. With sampling "replacement" an epoch's
    batches are consecutive draws; with "shuffle" consecutive parts of its order, of
    which the last may be short. `learning_rate` is one for all iterations or one for each;
    with a momentum, velocities begin at 0.
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
