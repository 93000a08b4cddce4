"""Passes through a network of any depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .activations import ACTIVATIONS
from .losses import LOSSES, as_targets

Array = npt.NDArray[Any]
Params = dict[str, Array]


@np.errstate(under="ignore")
def as_inputs(x: Array, dtype: Any) -> Array:
    """Return inputs as `dtype`: pixels (uint8) divided by 255, other numbers unchanged."""
    return x.astype(dtype) / dtype.type(255) if x.dtype == np.uint8 else x.astype(dtype)


def depth(params: Mapping[str, Array]) -> int:
    """Return the number of layers with weights."""
    return len(params) // 2


def masked(z: Array, mask: Array | None) -> Array:
    """Return activations or slopes after dropout."""
    return z if mask is None else z * mask.astype(z.dtype)


@np.errstate(under="ignore")
def forward(
    params: Mapping[str, Array], x: Array, activation: str | Sequence[str],
    masks: Sequence[Array | None] | None = None,
) -> tuple[list[Array], list[Array], Array]:
    """Pass a batch through the layers.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    masks : sequence of numpy.ndarray or None, optional
        What dropout multiplies the inputs and the units of each hidden layer by.

    Returns
    -------
    z : list of numpy.ndarray
        What each layer takes: the inputs, then the activations of each hidden layer.
    slopes : list of numpy.ndarray
        The derivative of each hidden layer's activations with respect to its pre-activations.
    s : numpy.ndarray, shape (B, O)
        The scores.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import forward
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> z, slopes, s = forward(params, np.array([[1.0, 2.0]]), "sigmoid")
    >>> z[1], slopes[0], s
    (array([[0.5, 0.5, 0.5]]), array([[0.25, 0.25, 0.25]]), array([[0., 0.]]))
    """
    n = depth(params)
    names = [activation] * (n - 1) if isinstance(activation, str) else activation
    if masks is None:
        masks = [None] * n
    z = [masked(as_inputs(x, params["W1"].dtype), masks[0])]
    slopes = []
    for layer in range(1, n):
        a = z[-1] @ params[f"W{layer}"] + params[f"b{layer}"]
        value = ACTIVATIONS[names[layer - 1]].value(a)
        slopes.append(masked(ACTIVATIONS[names[layer - 1]].slope(a, value), masks[layer]))
        z.append(masked(value, masks[layer]))
    return z, slopes, z[-1] @ params[f"W{n}"] + params[f"b{n}"]


def scores(params: Mapping[str, Array], x: Array, activation: str | Sequence[str]) -> tuple[Array, Array]:
    """Return the activations of the last hidden layer and the scores of a batch.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.

    Returns
    -------
    z : numpy.ndarray, shape (B, H)
        The inputs where there is no hidden layer.
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
    z, _, s = forward(params, x, activation)
    return z[-1], s


@np.errstate(under="ignore")
def predict(
    params: Mapping[str, Array], x: Array, activation: str | Sequence[str], *, loss_function: str = "cross_entropy"
) -> Array:
    """Return what the loss models: the probability of each class, a mean, a quantile.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    loss_function : str, default "cross_entropy"
        A name in `LOSSES`.

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
    return LOSSES[loss_function].output(scores(params, x, activation)[1])


def weighted_mean(values: Array, sample_weight: Array | None) -> float:
    """Return the mean of one value for each row, by weight; 0 where all weights are 0."""
    if sample_weight is None:
        return float(values.mean())
    weight = np.asarray(sample_weight, np.float64)
    total = weight.sum()
    return float((weight * values).sum() / total) if total > 0 else 0.0


@np.errstate(under="ignore")
def loss(
    params: Mapping[str, Array], x: Array, t: Array, activation: str | Sequence[str], *,
    loss_function: str = "cross_entropy", loss_parameter: float | None = None,
    sample_weight: Array | None = None, label_smoothing: float = 0.0, weight_decay_lambda: float = 0.0,
    masks: Sequence[Array | None] | None = None,
) -> float:
    """Return the mean loss.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray, shape (B, O) or (B,)
        Values, probabilities or labels for each output; class indices (B,) with cross-entropy.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    loss_function : str, default "cross_entropy"
        A name in `LOSSES`.
    loss_parameter : float, optional
        The delta of huber, the q of quantile.
    sample_weight : numpy.ndarray, shape (B,), optional
        How much each row counts.
    label_smoothing : float, default 0
        The share of each target that is spread evenly over the classes.
    weight_decay_lambda : float, default 0
        Half of it, times the sum of all squared weights (not biases), is added.
    masks : sequence of numpy.ndarray or None, optional
        What dropout multiplies the inputs and the units of each hidden layer by.

    Returns
    -------
    float
        In nats where the loss is a cross-entropy.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import loss
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> round(loss(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid"), 6)
    0.693147
    """
    s = forward(params, x, activation, masks)[2].astype(np.float64)
    targets = as_targets(t, s.shape[1], loss_function, label_smoothing)
    mean = weighted_mean(LOSSES[loss_function].values(s, targets, loss_parameter), sample_weight)
    if not weight_decay_lambda:
        return mean
    weights = [params[f"W{layer}"].astype(np.float64) for layer in range(1, depth(params) + 1)]
    return mean + weight_decay_lambda / 2 * float(sum((W * W).sum() for W in weights))


@np.errstate(under="ignore")
def accuracy(
    params: Mapping[str, Array], x: Array, t: Array, activation: str | Sequence[str], *,
    loss_function: str = "cross_entropy", sample_weight: Array | None = None,
) -> float | None:
    """Return the share of rows that are right.

    With cross-entropy, the largest score is that of the largest target; with binary cross-entropy, every output is
    on its target's side of 0.5.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray, shape (B, O) or (B,)
        As `loss` takes it.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    loss_function : str, default "cross_entropy"
        A name in `LOSSES`.
    sample_weight : numpy.ndarray, shape (B,), optional
        How much each row counts.

    Returns
    -------
    float or None
        From 0 to 1; None for the other losses.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import accuracy
    >>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
    >>> accuracy(params, np.array([[1.0, 2.0]]), np.array([0]), "sigmoid")
    1.0
    """
    hits = LOSSES[loss_function].hits
    if hits is None:
        return None
    s = scores(params, x, activation)[1]
    return weighted_mean(hits(s, as_targets(t, s.shape[1], loss_function)), sample_weight)


@np.errstate(under="ignore")
def deltas(
    params: Mapping[str, Array], x: Array, t: Array, activation: str | Sequence[str], *,
    loss_function: str = "cross_entropy", loss_parameter: float | None = None,
    sample_weight: Array | None = None, label_smoothing: float = 0.0, masks: Sequence[Array | None] | None = None,
) -> tuple[list[Array], list[Array]]:
    """Return each layer's inputs, and the derivatives of the mean loss with respect to its pre-activations."""
    z, slopes, s = forward(params, x, activation, masks)
    targets = as_targets(t, s.shape[1], loss_function, label_smoothing).astype(s.dtype)
    d = LOSSES[loss_function].delta(s, targets, loss_parameter)
    if sample_weight is None:
        d = d / s.dtype.type(len(s))
    else:
        weight = np.asarray(sample_weight, np.float64)
        total = weight.sum()
        d = d * (weight / (total if total > 0 else 1))[:, np.newaxis].astype(s.dtype)
    found = [d]
    for layer in range(depth(params), 1, -1):
        found.insert(0, found[0] @ params[f"W{layer}"].T * slopes[layer - 2])
    return z, found


@np.errstate(under="ignore")
def gradient(
    params: Mapping[str, Array], x: Array, t: Array, activation: str | Sequence[str], *,
    loss_function: str = "cross_entropy", loss_parameter: float | None = None,
    sample_weight: Array | None = None, label_smoothing: float = 0.0, weight_decay_lambda: float = 0.0,
    masks: Sequence[Array | None] | None = None,
) -> Params:
    """Return the derivatives of the mean loss with respect to every parameter, by backpropagation.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray, shape (B, O) or (B,)
        Values, probabilities or labels for each output; class indices (B,) with cross-entropy.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    loss_function : str, default "cross_entropy"
        A name in `LOSSES`.
    loss_parameter : float, optional
        The delta of huber, the q of quantile.
    sample_weight : numpy.ndarray, shape (B,), optional
        How much each row counts.
    label_smoothing : float, default 0
        The share of each target that is spread evenly over the classes.
    weight_decay_lambda : float, default 0
        This times each weight is added to its derivative.
    masks : sequence of numpy.ndarray or None, optional
        What dropout multiplies the inputs and the units of each hidden layer by.

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
    z, found = deltas(
        params, x, t, activation, loss_function=loss_function, loss_parameter=loss_parameter,
        sample_weight=sample_weight, label_smoothing=label_smoothing, masks=masks,
    )
    grads = {}
    for layer, (inputs, d) in enumerate(zip(z, found, strict=False), 1):
        grads[f"b{layer}"] = d.sum(axis=0)
        grads[f"W{layer}"] = inputs.T @ d
        if weight_decay_lambda:
            grads[f"W{layer}"] += weight_decay_lambda * params[f"W{layer}"]
    return {name: grads[name] for name in params}


@np.errstate(under="ignore")
def numerical_gradient(
    params: Params, x: Array, t: Array, activation: str | Sequence[str], h: float = 1e-4, **options: Any
) -> Params:
    """Return the derivatives of the mean loss by central differences, one parameter at a time.

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    x : numpy.ndarray, shape (B, I)
        Pixels (uint8) are divided by 255.
    t : numpy.ndarray, shape (B, O) or (B,)
        As `loss` takes it.
    activation : str or sequence of str
        A name in `ACTIVATIONS` for all hidden layers, or one for each.
    h : float, default 1e-4
        How far each parameter is moved up and down.
    **options
        The other arguments of `loss`.

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
            up = loss(params, x, t, activation, **options)
            array[index] = value - h
            down = loss(params, x, t, activation, **options)
            array[index] = value
            result[name][index] = (up - down) / (2 * h)
    return result
