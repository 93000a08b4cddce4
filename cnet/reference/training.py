"""Training by mini-batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .distortions import augmented
from .networks import Params, as_inputs, deltas, depth, gradient, loss, masked
from .optimizers import OPTIMIZERS, flush
from .random_numbers import draw_rows, dropout_mask, normal_numbers, shuffle_rows

Array = npt.NDArray[Any]


def clip(grads: Params, clip_norm: float) -> None:
    """Scale a gradient down to a norm of at most `clip_norm`, over all parameters together."""
    norm = float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads.values())))
    if norm > clip_norm:
        for g in grads.values():
            g *= clip_norm / norm


def limit_columns(params: Params, max_norm: float) -> None:
    """Scale the weights that lead to one unit (a column of W) down to a norm of at most `max_norm`."""
    for W in params.values():
        if W.ndim == 2:
            norm = np.sqrt((W.astype(np.float64) ** 2).sum(axis=0))
            W *= (max_norm / np.maximum(norm, max_norm)).astype(W.dtype)


def dropout_masks(
    params: Params, dropout: float | Sequence[float], input_dropout: float,
    key: int, epoch: int, iteration: int, n_rows: int,
) -> list[Array | None]:
    """Draw one mask for the inputs and one for each hidden layer; None where nothing is dropped."""
    hidden = np.broadcast_to(dropout, depth(params) - 1)
    return [
        dropout_mask(key, epoch, iteration, layer, (n_rows, len(params[f"W{layer + 1}"])), p) if p > 0 else None
        for layer, p in enumerate([input_dropout, *hidden.tolist()])
    ]


def noisy(inputs: Array, input_noise: float, key: int, epoch: int, iteration: int) -> Array:
    """Return a mini-batch's inputs with noise."""
    result: Array = inputs + (input_noise * normal_numbers(key, epoch, iteration, inputs.shape)).astype(inputs.dtype)
    return result


def moved(
    inputs: Array, t: Array, params: Params, activation: str | Sequence[str], adversarial: float, **objective: Any
) -> Array:
    """Return a mini-batch's inputs, each moved by `adversarial` in the direction in which the loss grows."""
    derivatives = deltas(params, inputs, t, activation, **objective)[1][0] @ params["W1"].T
    result: Array = inputs + (adversarial * np.sign(derivatives)).astype(inputs.dtype)
    return result


@np.errstate(under="ignore")
def fit(
    params: Params,
    x: Array,
    t: Array,
    activation: str | Sequence[str],
    *,
    iterations: int,
    batch_size: int,
    learning_rate: float | Array,
    momentum: float = 0.0,
    sampling: str,
    key: int,
    first_epoch: int = 0,
    after_iteration: Callable[[Params], None] | None = None,
    loss_function: str = "cross_entropy",
    loss_parameter: float | None = None,
    optimizer: str | None = None,
    hyper: Mapping[str, float] | None = None,
    state: dict[str, Any] | None = None,
    sample_weight: Array | None = None,
    label_smoothing: float = 0.0,
    weight_decay_lambda: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    input_dropout: float = 0.0,
    input_noise: float = 0.0,
    adversarial: float = 0.0,
    clip_norm: float | None = None,
    max_norm: float | None = None,
    averaging: float | None = None,
    augment: Mapping[str, Any] | None = None,
    derivatives: Callable[..., Params] = gradient,
) -> Array:
    """Train `params` in place by mini-batches.

    An epoch is ceil(N / batch_size) iterations. With sampling "replacement", the batches of an
    epoch are consecutive draws; with "shuffle", they are consecutive parts of the shuffled rows, and
    the last one may be short. One iteration is, in this order: the gradient, with the derivative of the penalty on
    weights; clipping; the optimizer's step; the limit on columns; the average.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (N, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray, shape (N, O) or (N,)
        Values, probabilities or labels for each output; class indices (N,) with cross-entropy.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    iterations, batch_size : int
    learning_rate : float or numpy.ndarray, shape (iterations,)
        One rate for all iterations, or one for each.
    momentum : float, default 0
        Without `optimizer`: that of the optimizer "momentum"; with 0 it is plain gradient descent.
    sampling : {"replacement", "shuffle"}
    key : int
        The key of the stream of random numbers: ``TwoLayerNet.seed``.
    first_epoch : int, default 0
    after_iteration : callable, optional
        Called with `params` after each update. They are not averaged before the end.
    loss_function : str, default "cross_entropy"
        A name in `LOSSES`.
    loss_parameter : float, optional
        The delta of huber, the q of quantile.
    optimizer : str, optional
        A name in `OPTIMIZERS`.
    hyper : mapping of str to float, optional
        The optimizer's hyper-parameters other than the rate; those left out have their defaults.
    state : dict, optional
        The optimizer's state, changed in place: "steps", the number of steps; "arrays", by parameter a list of
        arrays; after averaging "params", the parameters that are not averaged, from which a fit with this state goes
        on. An empty dict begins with a state of 0 and brings back what it became.
    sample_weight : numpy.ndarray, shape (N,), optional
        How much each row counts. A batch whose weights are all 0 has loss 0 and makes no step.
    label_smoothing : float, default 0
        The share of each target that is spread evenly over the classes.
    weight_decay_lambda : float, default 0
        This times each weight is added to its derivative. The losses do not contain the penalty.
    dropout : float or sequence of float, default 0
        The probability that a hidden unit is dropped: one for all hidden layers, or one for each.
    input_dropout : float, default 0
        The probability that an input is dropped.
    input_noise : float, default 0
        The standard deviation of what is added to the inputs, after dropout.
    adversarial : float, default 0
        How far the inputs of every second mini-batch are moved then, each in the direction in which the loss grows.
    clip_norm : float, optional
        The largest norm of all derivatives together.
    max_norm : float, optional
        The largest norm of the weights that lead to one unit.
    averaging : float, optional
        How much of a moving average of the parameters is kept in each step. It begins with `params`, which hold it at
        the end.
    augment : mapping of str to object, optional
        Distort the images of each mini-batch: the options of `augmented`.
    derivatives : callable, default `gradient`
        What computes the gradient: `numerical_gradient`, for example.

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
    if optimizer is None:
        optimizer, hyper = "momentum", {"momentum": momentum}
    hyper = {name: float(value) for name, value in (hyper or {}).items()}
    n_states, step = OPTIMIZERS[optimizer]
    state = {} if state is None else state
    state.setdefault("steps", 0)
    state.setdefault("arrays", {name: [np.zeros_like(W) for _ in range(n_states)] for name, W in params.items()})
    objective: dict[str, Any] = {
        "loss_function": loss_function, "loss_parameter": loss_parameter, "label_smoothing": label_smoothing
    }
    average = {name: W.copy() for name, W in params.items()}
    for name, W in state.pop("params", {}).items():
        params[name][...] = W
    per_epoch = -(-len(x) // batch_size)
    losses = np.zeros(iterations)
    rates = np.broadcast_to(learning_rate, iterations)
    for iteration in range(iterations):
        epoch, place = divmod(iteration, per_epoch)
        epoch += first_epoch
        if place == 0:
            if sampling == "shuffle":
                rows = shuffle_rows(key, epoch, len(x))
            else:
                rows = draw_rows(key, epoch, per_epoch * batch_size, len(x))
        batch = rows[place * batch_size : (place + 1) * batch_size]
        inputs, targets = x[batch], t[batch]
        weight = None if sample_weight is None else sample_weight[batch]
        if augment is not None:
            inputs, targets, weight = augmented(
                x, t, sample_weight, batch, key, epoch, place * batch_size, n_out=len(params[f"b{depth(params)}"]),
                **augment,
            )
        objective["sample_weight"] = weight
        if weight is None or weight.sum() > 0:
            objective["masks"] = dropout_masks(params, dropout, input_dropout, key, epoch, place, len(batch))
            move = adversarial if (epoch + place) % 2 else 0
            if input_noise or move:
                inputs = masked(as_inputs(inputs, params["W1"].dtype), objective["masks"][0])
                objective["masks"][0] = None
            if input_noise:
                inputs = noisy(inputs, input_noise, key, epoch, place)
            if move:
                inputs = moved(inputs, targets, params, activation, move, **objective)
            losses[iteration] = loss(params, inputs, targets, activation, **objective)
            grads = derivatives(
                params, inputs, targets, activation, weight_decay_lambda=weight_decay_lambda, **objective
            )
            if clip_norm is not None:
                clip(grads, clip_norm)
            state["steps"] += 1
            for name, W in params.items():
                step(W, grads[name], state["arrays"][name], float(rates[iteration]), state["steps"], **hyper)
                flush(state["arrays"][name])
            if max_norm is not None:
                limit_columns(params, max_norm)
            if averaging is not None:
                for name, mean in average.items():
                    mean[...] = averaging * mean + (1 - averaging) * params[name]
        if after_iteration is not None:
            after_iteration(params)
    if averaging is not None:
        state["params"] = {name: W.copy() for name, W in params.items()}
        for name, mean in average.items():
            params[name][...] = mean
    return losses
