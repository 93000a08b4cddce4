"""TwoLayerNet: initial weights, and delegation to the compiled core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from . import training
from .checks import check_choice, check_count, check_number
from .core import _network, _numerical, _team
from .history import History, Progress
from .optimizer_base import Optimizer
from .optimizers import LinearRamp
from .options import check_options
from .parameters import Parameters
from .parts import NAMES
from .rng import as_key
from .storable import Storable
from .trained_on import warn_unlike
from .training import Callback

if TYPE_CHECKING:
    from .open_files import Source

__all__ = ["NAMES", "Parameters", "TwoLayerNet", "load"]

Array = npt.NDArray[Any]

class TwoLayerNet(Storable):
    """A network of one hidden layer that classifies: affine, activation, affine, softmax.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Units of each layer (I, H, O), at least 1.
    weight_init_std : float, "he" or "xavier", default 0.01
        The standard deviation of the initial weights, which are drawn from a normal distribution
        around 0: a number for both layers, or for a layer of n inputs
        ``sqrt(2 / n)`` ("he", for relu [2]_) or ``sqrt(1 / n)`` ("xavier", a simpler form of the rule in [3]_).
        Biases begin at 0.
    activation : {"sigmoid", "relu", "tanh"}
        The hidden layer's activation.
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
    trained on, and a call whose inputs look scaled otherwise gives a `CnetWarning`. Targets `t` are class indices (B,)
    or one-hot rows (B, O); for a single sample an index or a row (O,).

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

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | Literal["he", "xavier"] = 0.01,
        *,
        activation: Literal["sigmoid", "relu", "tanh"] = "sigmoid",
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        sizes = (
            check_count("input_size", input_size),
            check_count("hidden_size", hidden_size),
            check_count("output_size", output_size),
        )
        stds = _check_std(weight_init_std, sizes)
        check_choice("activation", activation, tuple(_network.ACTIVATIONS))
        self._set_up(sizes, activation, _check_dtype(dtype), as_key(rng))
        normal = np.random.Generator(np.random.Philox(key=self.seed)).standard_normal
        for name, std in zip(("W1", "W2"), stds, strict=True):
            with np.errstate(all="ignore"), _team.IeeeArithmetic():
                weights = std * normal(self.params[name].shape)
                if not np.isfinite(weights).all():
                    raise ValueError(f"weight_init_std = {std:g} is too large for {self.dtype}")
                self.params[name] = weights

    def _set_up(self, sizes: tuple[int, int, int], activation: str, dtype: np.dtype[Any], seed: int) -> None:
        self._core = _network.Network(sizes, activation, dtype)
        self._core.on_unlike = warn_unlike
        (W1, W2), (b1, b2) = self._core.weights, self._core.biases
        self._params = Parameters({"W1": W1, "b1": b1, "W2": W2, "b2": b2})
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
    def sizes(self) -> tuple[int, int, int]:
        """The numbers of inputs, hidden units and outputs."""
        sizes: tuple[int, int, int] = self._core.sizes
        return sizes

    @property
    def activation(self) -> str:
        """The hidden layer's activation."""
        activation: str = self._core.activation
        return activation

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of parameters and computation: float32 or float64."""
        dtype: np.dtype[Any] = self._core.dtype
        return dtype

    @property
    def iterations(self) -> int:
        """The number of iterations of training in all, over every `fit`."""
        return self._progress.iterations

    @property
    def history(self) -> History | None:
        """What the last `fit` has recorded, even if it was interrupted or is still running; None before the first."""
        return self._progress.history

    def __repr__(self) -> str:
        n_in, n_hidden, n_out = self.sizes
        return f"{type(self).__name__}({n_in}, {n_hidden}, {n_out}, activation={self.activation!r}, dtype={self.dtype})"

    def predict(self, x: npt.ArrayLike) -> Array:
        """Compute the probability of each class.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.

        Returns
        -------
        numpy.ndarray, shape (B, O) or (O,)
            Rows sum to 1; of the network's dtype.

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
        probabilities: Array = self._core.predict(x)
        return probabilities

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike) -> float:
        """Compute the mean cross-entropy, from the scores: ``log(sum(exp(s))) - s[label]``.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows.

        Returns
        -------
        float
            In nats; summed in float64. Any number of rows takes the same memory.

        Raises
        ------
        TypeError, ValueError
            If `x` or `t` is of the wrong type or shape, or a label is out of range.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> print(round(net.loss([0, 1, 0, 1], 0), 6))
        0.693147
        """
        loss: float = self._core.loss_and_accuracy(x, t, True)[0]
        return loss

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike) -> float:
        """Compute the share of samples whose most probable class is their label.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows.

        Returns
        -------
        float
            From 0 to 1; for a single sample 0.0 or 1.0.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.accuracy([0, 1, 0, 1], 0)
        1.0
        """
        accuracy: float = self._core.loss_and_accuracy(x, t, True)[1]
        return accuracy

    def gradient(self, x: npt.ArrayLike, t: npt.ArrayLike) -> dict[str, Array]:
        """Compute the derivatives of the loss with respect to every parameter, by backpropagation.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows.

        Returns
        -------
        dict of str to numpy.ndarray
            ``W1, b1, W2, b2``, each of its parameter's shape and dtype.

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
        (W1, W2), (b1, b2) = self._core.gradient(x, t)
        return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    def numerical_gradient(self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4) -> dict[str, Array]:
        """Compute the derivatives of the loss with respect to every parameter, by central differences.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
            The inputs: one sample in each row, or a single sample.
        t : array_like
            Class indices or one-hot rows.
        h : float, default 1e-4
            How far each parameter is moved up and down.

        Returns
        -------
        dict of str to numpy.ndarray
            ``W1, b1, W2, b2``, always computed in float64 and returned as float64.

        Raises
        ------
        TypeError, ValueError
            The same errors as `loss`; also if `h` is not a finite number above 0.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.numerical_gradient([0, 1, 0, 1], 0)["b2"].round(6)
        array([-0.5,  0.5])
        """
        step = check_number("h", h, positive=True)
        exact = _network.Network(self.sizes, self.activation, np.dtype(np.float64))
        with _team.IeeeArithmetic():
            for layer in range(2):
                exact.weights[layer][...] = self._core.weights[layer]
                exact.biases[layer][...] = self._core.biases[layer]
        exact.trained_on, exact.on_unlike = self._core.trained_on, warn_unlike
        return dict(zip(NAMES, _numerical.numerical_gradient(exact, x, t, step), strict=True))

    def fit(
        self,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        iterations: int | None = None,
        epochs: int | None = None,
        batch_size: int = 100,
        learning_rate: float | LinearRamp | None = None,
        optimizer: Literal["sgd", "momentum"] | Optimizer = "sgd",
        sampling: Literal["replacement", "shuffle"] = "replacement",
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        gradient: Literal["backprop", "numerical"] = "backprop",
        n_threads: int | None = None,
        rng: int | np.random.Generator | None = None,
        callback: Callback | None = None,
        progress: bool = False,
    ) -> History:
        """Train the network by mini-batch gradient descent, starting from its current parameters.

        An epoch is ``ceil(N / batch_size)`` iterations. The parameters have the same
        bits for any number of threads.

        Parameters
        ----------
        x : array_like, shape (N, I)
            The inputs to train with: one sample in each row.
        t : array_like
            Class indices (N,) or one-hot rows (N, O).
        iterations, epochs : int, optional
            How long to train: pass one of them, or neither for 10 epochs.
        batch_size : int, default 100
            The number of samples in each mini-batch.
        learning_rate : float or cnet.optimizers.LinearRamp, optional
            A constant rate or a schedule. By default the optimizer's `lr`; if that is None too, 0.1.
        optimizer : {"sgd", "momentum"}, cnet.optimizers.SGD or cnet.optimizers.Momentum
            Stochastic gradient descent, plain or with momentum ("momentum" means 0.9). Velocities
            stay with the network: a fit with the same kind of optimizer goes on from there.
        sampling : {"replacement", "shuffle"}
            "replacement" draws each mini-batch at random from all samples, as the chapter does.
            "shuffle" shuffles all samples for each epoch; its last mini-batch may be short.
        validation_data : (x, t), optional
            Data on which loss and accuracy are measured at the end of each epoch.
        gradient : {"backprop", "numerical"}
            "backprop" is backpropagation. "numerical" is central differences, as in `numerical_gradient`
            with h = 1e-4: in float64, hundreds of times slower, and for plain SGD only.
        n_threads : int, optional
            The most threads to use; by default as many as the work is worth. Never more than
            ``get_num_threads()``, and fewer while other programs take processors from the fit. The
            result does not depend on it.
        rng : None, int or numpy.random.Generator
            None continues the network's own stream of random numbers.
        callback : callable, optional
            Called with an `EpochInfo` at each epoch's end; returning True stops the fit.
        progress : bool, default False
            Show a progress bar (needs tqdm).

        Returns
        -------
        History
            What the fit recorded. The network keeps it as ``history``.

        Raises
        ------
        DivergenceError
            If the loss or a parameter is no longer finite. The network keeps the last parameters that
            were all finite; a fit checks this every 40 ms.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second or after the current mini-batch. The parameters
            are whole, and ``history`` shows how far the fit went.
        RuntimeError
            If this network is being trained already, by another thread or by this call's callback.
        TypeError, ValueError
            If an argument is of the wrong type or shape, or out of range.

        Warns
        -----
        CnetWarning
            If `x` looks as if it was scaled by mistake, or needs to be standardised; the warning says
            what to do.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(1000, rng=0)
        >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
        >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
        >>> bool(history.loss[0] > history.loss[-1])
        True
        """
        options = check_options(
            iterations=iterations, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            optimizer=optimizer, sampling=sampling, gradient=gradient, n_threads=n_threads, callback=callback,
        )
        return training.fit(
            self, x, t, options,
            validation_data=validation_data, rng=rng, callback=callback, progress=progress,
        )


def _check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if dtype is None or checked not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return checked.newbyteorder("=")


def _check_std(weight_init_std: Any, sizes: tuple[int, int, int]) -> tuple[float, float]:
    """Return the standard deviation of each layer's initial weights."""
    if isinstance(weight_init_std, str):
        check_choice("weight_init_std", weight_init_std, ("he", "xavier"))
        gain = 2.0 if weight_init_std == "he" else 1.0
        return (gain / sizes[0]) ** 0.5, (gain / sizes[1]) ** 0.5
    std = check_number("weight_init_std", weight_init_std, positive=False)
    return std, std


def load(path: Source) -> TwoLayerNet:
    """Read a network that `TwoLayerNet.save` wrote.

    Parameters
    ----------
    path : str, os.PathLike or binary file open for reading
        A leading ``~`` is the user's home folder. An open file is read from its position to its end,
        and is left open.

    Returns
    -------
    TwoLayerNet
        It continues where the saved one was: same parameters, same stream of random numbers.

    Raises
    ------
    TypeError
        If `path` is neither a path nor an open binary file.
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, truncated or not a network of cnet.

    Examples
    --------
    >>> import cnet
    >>> cnet.load("nowhere.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    return TwoLayerNet.load(path)
