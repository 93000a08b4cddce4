"""MultiLayerNet, and TwoLayerNet, its two-layer face: initial weights, and delegation to the compiled core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from .activations import ACTIVATIONS, as_activations
from .checks import check_choice, check_count, check_number
from .core import _network
from .history import Progress
from .initial_weights import LOCAL, check_std, draw_weights
from .losses import CrossEntropy, Loss, as_loss
from .parameters import Parameters
from .parts import parameter_names
from .passes import Passes
from .rng import as_key
from .storable import Storable, read_parts
from .trainable import Trainable
from .trained_on import warn_unlike

if TYPE_CHECKING:
    from .committee import Committee
    from .open_files import Source

__all__ = ["MultiLayerNet", "Parameters", "TwoLayerNet", "load"]

Array = npt.NDArray[Any]

MOST_HIDDEN_LAYERS = 16


class MultiLayerNet(Passes, Trainable, Storable):
    """A network of any number of layers: affine and activation in turn, then affine, whose scores a loss reads.

    Parameters
    ----------
    input_size : int
        The number of inputs (I), at least 1.
    hidden_size_list : list or tuple of int
        The units of each hidden layer, for 0 to 16 of them.
    output_size : int
        The number of outputs (O), at least 1.
    activation : str, or list of str, default "relu"
        The hidden layers' activation, or one for each of them: "identity", "sigmoid", "tanh", "relu", "leaky_relu",
        "elu", "gelu" or "silu".
    weight_init_std : float, "relu", "he", "sigmoid", "xavier" or "local", default "relu"
        The standard deviation of the initial weights, which are drawn from a normal distribution
        around 0: a number for all layers, or for a layer of n inputs
        ``sqrt(2 / n)`` ("relu" or "he" [2]_) or ``sqrt(1 / n)`` ("sigmoid" or "xavier", a simpler form of the rule
        in [3]_). Biases begin at 0. "local" is for square images: each unit of the first layer begins with a smooth
        filter in a spot around a random point of the image (see Notes); the other layers as "he" has them.
    weight_decay_lambda : float, default 0
        The factor of the L2 penalty: half of it times the sum of all squared weights (not biases) is part of the loss.
    loss : str or an object of cnet.losses, default "cross_entropy"
        What is made small, and with it what the outputs mean: "cross_entropy", "binary_cross_entropy", "squared_error",
        "absolute_error", "huber", "poisson" or "quantile".
    dtype : float32 or float64
        The type of parameters and computation.
    rng : None, int or numpy.random.Generator
        The seed of the initial weights and of the mini-batches that `fit` draws.

    Attributes
    ----------
    params : Parameters
        ``W1 (I, H1)``, ``b1 (H1,)``, ``W2 (H1, H2)``, ..., ``bn (O,)``.
    history : History or None
        What the last `fit` has recorded, even if it was interrupted or is still running.
    seed : int
        The 64-bit key of the stream of random numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    See Also
    --------
    TwoLayerNet : The same with one hidden layer, as the book's chapter 4 has it.

    Notes
    -----
    Inputs `x` are arrays (B, I), or (I,) for a single sample. uint8 means pixels, which are divided by
    255; every other type means plain numbers. The network remembers which of them it was
    trained on, and a call whose inputs look scaled otherwise gives a `CnetWarning`. Targets `t` are what the loss
    takes, see `cnet.losses`: of cross-entropy class indices (B,), one-hot rows (B, O) or rows of probabilities, of
    the others values (B, O), or (B,) where there is one output.

    With ``weight_init_std="local"`` and images of s by s pixels, a first weight at a distance d from the middle of its
    unit's spot is ``(1 - d**2 / r**2)**2`` times standard normal noise that is smoothed along both axes by
    (1, 4, 6, 4, 1) / 16, and 0 beyond the radius ``r = max(s / 2.8, 2)`` pixels; each unit's weights are scaled to a
    sum of squares of 0.4. Middles are drawn evenly from the inner 5/7 of each axis. All weights can change in training:
    it is where they begin that is local.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, chapter 6.
    .. [2] Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Delving deep into rectifiers", ICCV 2015.
    .. [3] Xavier Glorot and Yoshua Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(2000, rng=0)
    >>> net = cnet.MultiLayerNet(784, [100, 50], 10, rng=0)
    >>> history = net.fit(x, t, epochs=10)
    >>> net.accuracy(x, t) > 0.8
    True
    """

    # What files call it.
    _KIND = "MultiLayerNet"

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str | Sequence[str] = "relu",
        weight_init_std: float | Literal["relu", "he", "sigmoid", "xavier", "local"] = "relu",
        weight_decay_lambda: float = 0,
        *,
        loss: str | Loss = "cross_entropy",
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        hidden = _check_hidden(hidden_size_list)
        sizes = (check_count("input_size", input_size), *hidden, check_count("output_size", output_size))
        activations = as_activations(activation, len(hidden))
        stds = check_std(weight_init_std, sizes)
        decay = check_number("weight_decay_lambda", weight_decay_lambda, positive=False)
        self._set_up(sizes, activations, _check_dtype(dtype), as_key(rng), as_loss(loss), decay)
        draw_weights(self._params, stds, self.seed, local=weight_init_std == LOCAL)

    def _set_up(
        self, sizes: tuple[int, ...], activations: tuple[str, ...], dtype: np.dtype[Any], seed: int, loss: Loss,
        weight_decay_lambda: float,
    ) -> None:
        self._hold(_network.Network(sizes, activations, dtype, loss.name, loss.parameter, weight_decay_lambda), seed)

    @classmethod
    def _around(cls, core: _network.Network) -> MultiLayerNet:
        """A network whose memory is a compiled one's that somebody else has, too."""
        net = cls.__new__(cls)
        net._hold(core, 0)
        return net

    def _hold(self, core: _network.Network, seed: int) -> None:
        sizes = core.sizes
        self._core = core
        core.on_unlike = warn_unlike
        arrays = [array for pair in zip(self._core.weights, self._core.biases, strict=True) for array in pair]
        self._params = Parameters(dict(zip(parameter_names(len(sizes) - 1), arrays, strict=True)))
        self.seed = seed
        self._progress = Progress()

    @property
    def params(self) -> Parameters:
        """The parameters by name: the network's own memory. What is assigned is copied into it."""
        return self._params

    @params.setter
    def params(self, values: Mapping[str, npt.ArrayLike]) -> None:
        # params |= ... has been written by the time it is assigned.
        if values is not self._params:
            self._params.assign(values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of inputs, of units of each hidden layer, and of outputs."""
        sizes: tuple[int, ...] = self._core.sizes
        return sizes

    @property
    def activation(self) -> str | tuple[str, ...]:
        """The hidden layers' activation; where they are not all the same, or there is no hidden layer, a tuple.

        Examples
        --------
        >>> import cnet
        >>> cnet.MultiLayerNet(4, [3, 3], 2, "gelu").activation
        'gelu'
        >>> cnet.MultiLayerNet(4, [3, 3], 2, ["relu", "tanh"]).activation
        ('relu', 'tanh')
        """
        activation: str | tuple[str, ...] = self._core.activation
        return activation

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of parameters and computation: float32 or float64."""
        dtype: np.dtype[Any] = self._core.dtype
        return dtype

    def __repr__(self) -> str:
        n_in, *hidden, n_out = self.sizes
        loss = self.loss_function
        text = f"{type(self).__name__}({n_in}, {hidden}, {n_out}, activation={self.activation!r}"
        if self.weight_decay_lambda:
            text += f", weight_decay_lambda={self.weight_decay_lambda:g}"
        return f"{text}, loss={loss if loss.parameter else repr(loss.name)}, dtype={self.dtype})"


class TwoLayerNet(MultiLayerNet):
    """A network of one hidden layer that classifies: affine, activation, affine, softmax.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Units of each layer (I, H, O), at least 1.
    weight_init_std : float, "he", "xavier" or "local", default 0.01
        The standard deviation of the initial weights, which are drawn from a normal distribution
        around 0: a number for both layers, or for a layer of n inputs
        ``sqrt(2 / n)`` ("he", for relu [2]_) or ``sqrt(1 / n)`` ("xavier", a simpler form of the rule in [3]_).
        Biases begin at 0. "local" is for square images: each hidden unit begins with a smooth filter in a spot around a
        random point of the image, see `MultiLayerNet`; the second layer as "he" has it.
    activation : str, default "sigmoid"
        The hidden layer's activation: "sigmoid", "relu", "tanh", or another one of `MultiLayerNet`'s.
    dtype : float32 or float64
        The type of parameters and computation.
    rng : None, int or numpy.random.Generator
        The seed of the initial weights and of the mini-batches that `fit` draws.

    Attributes
    ----------
    params : Parameters
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    history : History or None
        What the last `fit` has recorded, even if it was interrupted or is still running.
    seed : int
        The 64-bit key of the stream of random numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Inputs `x` are arrays (B, I), or (I,) for a single sample. uint8 means pixels, which are divided by
    255; every other type means plain numbers. The network remembers which of them it was
    trained on, and a call whose inputs look scaled otherwise gives a `CnetWarning`. Targets `t` are class indices (B,),
    one-hot rows (B, O) or rows of probabilities (B, O), which sum to 1; for a single sample an index or a row (O,).

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.5.
    .. [2] Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Delving deep into rectifiers", ICCV 2015.
    .. [3] Xavier Glorot and Yoshua Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(2000, rng=0)
    >>> net = cnet.TwoLayerNet(784, 50, 10, activation="relu", rng=0)
    >>> history = net.fit(x, t, epochs=20)
    >>> net.accuracy(x, t) > 0.8
    True
    """

    _KIND = "TwoLayerNet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | Literal["he", "xavier", "local"] = 0.01,
        *,
        activation: str = "sigmoid",
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        sizes = (
            check_count("input_size", input_size),
            check_count("hidden_size", hidden_size),
            check_count("output_size", output_size),
        )
        stds = check_std(weight_init_std, sizes, ("he", "xavier", "local"))
        check_choice("activation", activation, tuple(ACTIVATIONS))
        self._set_up(sizes, (activation,), _check_dtype(dtype), as_key(rng), CrossEntropy(), 0.0)
        draw_weights(self._params, stds, self.seed, local=weight_init_std == LOCAL)

    def __repr__(self) -> str:
        n_in, n_hidden, n_out = self.sizes
        return f"{type(self).__name__}({n_in}, {n_hidden}, {n_out}, activation={self.activation!r}, dtype={self.dtype})"


def _check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if dtype is None or checked not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return checked.newbyteorder("=")


def _check_hidden(hidden_size_list: Any) -> list[int]:
    if isinstance(hidden_size_list, np.ndarray) and hidden_size_list.ndim == 1:
        hidden_size_list = hidden_size_list.tolist()
    if not isinstance(hidden_size_list, list | tuple):
        hint = f"; for one hidden layer write [{hidden_size_list}]" if isinstance(hidden_size_list, int) else ""
        raise TypeError(
            f"hidden_size_list must be a list of integers, got {type(hidden_size_list).__name__}{hint}")
    if len(hidden_size_list) > MOST_HIDDEN_LAYERS:
        raise ValueError(
            f"hidden_size_list must hold at most {MOST_HIDDEN_LAYERS} sizes, got {len(hidden_size_list)}")
    return [check_count(f"hidden_size_list[{i}]", size) for i, size in enumerate(hidden_size_list)]


# By the names that files have for them.
NETWORKS: dict[str, type[MultiLayerNet]] = {each._KIND: each for each in (TwoLayerNet, MultiLayerNet)}


def load(path: Source) -> MultiLayerNet | Committee:
    """Read a network, or a committee of networks, that its `save` wrote.

    Parameters
    ----------
    path : str, os.PathLike or binary file open for reading
        A leading ``~`` is the user's home folder. An open file is read from its position to its end,
        and is left open.

    Returns
    -------
    TwoLayerNet, MultiLayerNet or Committee
        What was saved. A network continues where the saved one was: same parameters, same stream of random numbers.

    Raises
    ------
    TypeError
        If `path` is neither a path nor an open binary file.
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, truncated, not a network of cnet, or of a later version of cnet.

    Examples
    --------
    >>> import cnet
    >>> cnet.load("nowhere.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    kind, parts = read_parts(path)
    if isinstance(parts, list):
        # What few files hold is imported when one does.
        from .committee import Committee

        return Committee._assembled(parts)
    return NETWORKS[kind]._assembled(parts)
