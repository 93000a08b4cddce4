"""TwoLayerNet: shapes, initial weights, and delegation to the compiled core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import training
from .checks import check_choice, check_count, check_number, refuse_masked
from .core import _network, _numerical
from .optimizers import SGD, LinearRamp, Momentum
from .rng import as_key
from .training import Callback, History

__all__ = ["Parameters", "TwoLayerNet", "load"]

Array = npt.NDArray[Any]
NAMES = ("W1", "b1", "W2", "b2")
FORMAT_VERSION = "1"
# Numbers in a model file, and how many bits each has in the stream of random numbers.
COUNTERS = {"seed": 64, "epochs": 32, "iterations": 64}


class Parameters(Mapping[str, Array]):
    """The parameters of a network: a fixed mapping of names to arrays.

    The arrays are the network's own memory: changing one in place changes the network.
    Assignment copies into them.

    Parameters
    ----------
    arrays : dict of str to numpy.ndarray

    Raises
    ------
    KeyError
        On access or assignment to a name that is not there.
    TypeError
        On assignment of something that does not hold real numbers.
    ValueError
        On assignment of another shape, or of numbers that overflow the network's type.

    Examples
    --------
    >>> import cnet
    >>> params = cnet.TwoLayerNet(2, 3, 2, rng=0).params
    >>> {name: array.shape for name, array in params.items()}
    {'W1': (2, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
    >>> params["b1"] += 1
    >>> params["b1"]
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        if name not in self._arrays:
            raise KeyError(f"{name!r} is not a parameter; there are {', '.join(self._arrays)}")
        target = self._arrays[name]
        if value is target:
            return
        refuse_masked(name, value)
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} cannot be made into an array: {error}") from None
        if array.dtype.kind not in "buif":
            raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
        if array.shape != target.shape:
            raise ValueError(f"{name} must have shape {target.shape}, got {array.shape}")
        with np.errstate(over="ignore"):
            cast = array.astype(target.dtype)
        if np.isinf(cast).any() and not np.array_equal(np.isinf(cast), np.isinf(array)):
            raise ValueError(f"{name} has a value that is too large for {target.dtype}")
        target[...] = cast

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {array.dtype}{array.shape}" for name, array in self.items())
        return f"<Parameters {shapes}>"


class TwoLayerNet:
    """A network of one hidden layer that classifies: affine, activation, affine, softmax.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Units of each layer (I, H, O), at least 1.
    weight_init_std : float, "he" or "xavier", default 0.01
        Standard deviation of the initial weights, drawn from a normal distribution
        around 0: one for both layers, or by a layer's number of inputs n,
        ``sqrt(2 / n)`` ("he" [2]_, for relu) or ``sqrt(1 / n)`` ("xavier" [3]_).
        Biases begin at 0.
    activation : {"sigmoid", "relu", "tanh"}
        Of the hidden layer.
    dtype : float32 or float64
        Of parameters and computation.
    rng : None, int or numpy.random.Generator
        Seed of the initial weights and of the stream of mini-batches that `fit` draws.

    Attributes
    ----------
    params : Parameters
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``.
    history : History or None
        Of the last `fit`, also of one that was interrupted.
    seed : int
        The 64-bit key of the stream of random numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Inputs `x` are arrays (B, I), or (I,) for a single sample. uint8 means pixels,
    value/255; every other type is plain numbers. Targets `t` are class indices (B,)
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
            self.params[name] = std * normal(self.params[name].shape)

    def _set_up(self, sizes: tuple[int, int, int], activation: str, dtype: np.dtype[Any], seed: int) -> None:
        self._core = _network.Network(sizes, activation, dtype)
        (W1, W2), (b1, b2) = self._core.weights, self._core.biases
        self.params = Parameters({"W1": W1, "b1": b1, "W2": W2, "b2": b2})
        self.seed = seed
        self.history: History | None = None
        # Where the stream of random numbers stands, and how long training has gone on in all.
        self._epochs = 0
        self._iterations = 0

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Units of each layer: inputs, hidden, outputs."""
        sizes: tuple[int, int, int] = self._core.sizes
        return sizes

    @property
    def activation(self) -> str:
        """Activation of the hidden layer."""
        return str(self._core.activation)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of parameters and computation: float32 or float64."""
        dtype: np.dtype[Any] = self._core.dtype
        return dtype

    @property
    def iterations(self) -> int:
        """Iterations of training in all, over every `fit`."""
        return self._iterations

    def __repr__(self) -> str:
        n_in, n_hidden, n_out = self.sizes
        return f"TwoLayerNet({n_in}, {n_hidden}, {n_out}, activation={self.activation!r}, dtype={self.dtype})"

    def predict(self, x: npt.ArrayLike) -> Array:
        """Compute the probability of each class.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)

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
        """Mean cross-entropy, from the scores: ``log(sum(exp(s))) - s[label]``.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
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
        loss: float = self._core.loss_and_accuracy(x, t)[0]
        return loss

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike) -> float:
        """Share of samples whose most probable class is their label.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
        t : array_like
            Class indices or one-hot rows.

        Returns
        -------
        float
            From 0 to 1; for a single sample 0.0 or 1.0.

        Raises
        ------
        TypeError, ValueError
            As `loss`.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.accuracy([0, 1, 0, 1], 0)
        1.0
        """
        accuracy: float = self._core.loss_and_accuracy(x, t)[1]
        return accuracy

    def gradient(self, x: npt.ArrayLike, t: npt.ArrayLike) -> dict[str, Array]:
        """Derivatives of the loss by every parameter, by backpropagation.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
        t : array_like
            Class indices or one-hot rows.

        Returns
        -------
        dict of str to numpy.ndarray
            ``W1, b1, W2, b2``, each of its parameter's shape and dtype.

        Raises
        ------
        TypeError, ValueError
            As `loss`.

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
        """Derivatives of the loss by every parameter, by central differences.

        Parameters
        ----------
        x : array_like, shape (B, I) or (I,)
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
            As `loss`; also if `h` is not a finite number above 0.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(4, 3, 2, weight_init_std=0, rng=0)
        >>> net.numerical_gradient([0, 1, 0, 1], 0)["b2"].round(6)
        array([-0.5,  0.5])
        """
        step = check_number("h", h, positive=True)
        exact = _network.Network(self.sizes, self.activation, np.dtype(np.float64))
        for layer in range(2):
            exact.weights[layer][...] = self._core.weights[layer]
            exact.biases[layer][...] = self._core.biases[layer]
        return dict(zip(NAMES, _numerical.numerical_gradient(exact, x, t, step), strict=True))

    def fit(
        self,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        iterations: int | None = None,
        epochs: int | None = None,
        batch_size: int = 100,
        learning_rate: float | LinearRamp = 0.1,
        optimizer: Literal["sgd", "momentum"] | SGD | Momentum = "sgd",
        sampling: Literal["replacement", "shuffle"] = "replacement",
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        gradient: Literal["backprop", "numerical"] = "backprop",
        n_threads: int | None = None,
        rng: int | np.random.Generator | None = None,
        callback: Callback | None = None,
        progress: bool = False,
    ) -> History:
        """Train by mini-batches, from the parameters as they are.

        An epoch is ``ceil(N / batch_size)`` iterations. The parameters have the same
        bits whatever the number of threads.

        Parameters
        ----------
        x : array_like, shape (N, I)
        t : array_like
            Class indices (N,) or one-hot rows (N, O).
        iterations, epochs : int, optional
            How long: one of them, or neither for 10 epochs.
        batch_size : int, default 100
        learning_rate : float or cnet.optimizers.LinearRamp, default 0.1
            One rate, or a schedule of them.
        optimizer : {"sgd", "momentum"}, cnet.optimizers.SGD or cnet.optimizers.Momentum
            Plain stochastic gradient descent, or with momentum (0.9 by that name). Velocities
            begin each fit at 0.
        sampling : {"replacement", "shuffle"}
            Each mini-batch drawn at random from all samples, as the chapter does; or each
            epoch a new order of all samples, whose last mini-batch may be short.
        validation_data : (x, t), optional
            Measured at each epoch's end.
        gradient : {"backprop", "numerical"}
            By backpropagation; or by central differences, as `numerical_gradient` has them for
            h = 1e-4: in float64, hundreds of times slower, and for plain descent only.
        n_threads : int, optional
            By default as many as the processors this process may use, fewer for little work; never
            more than there are processors. The result does not depend on it.
        rng : None, int or numpy.random.Generator
            None goes on with the network's own stream of random numbers.
        callback : callable, optional
            Called with an `EpochInfo` at each epoch's end; returning True stops the fit.
        progress : bool, default False
            Show a progress bar (needs tqdm).

        Returns
        -------
        History

        Raises
        ------
        DivergenceError
            If the loss is no longer finite. The parameters are those of the last finite tick.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second or the mini-batch under way. The parameters
            are whole, and `history` tells how far it went.
        RuntimeError
            If this network is being trained already, by another thread or by this call's callback.
        TypeError, ValueError
            If an argument is of the wrong type or shape, or out of range.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(1000, rng=0)
        >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
        >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
        >>> bool(history.loss[0] > history.loss[-1])
        True
        """
        options = training.check_options(
            iterations=iterations, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            optimizer=optimizer, sampling=sampling, gradient=gradient, n_threads=n_threads, callback=callback,
        )
        return training.fit(
            self, x, t, options,
            validation_data=validation_data, rng=rng, callback=callback, progress=progress,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file, whole or not at all.

        Parameters
        ----------
        path : str or os.PathLike
            Written exactly there, in the safetensors format, with a checksum.

        Raises
        ------
        TypeError
            If `path` is not a path.
        OSError
            If it cannot be written; what was there before is still there.

        References
        ----------
        .. [1] https://github.com/huggingface/safetensors

        Examples
        --------
        >>> import cnet, os, tempfile
        >>> net = cnet.TwoLayerNet(4, 3, 2, rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.safetensors")
        ...     net.save(path)
        ...     bool((cnet.load(path).predict([1, 2, 3, 4]) == net.predict([1, 2, 3, 4])).all())
        True
        """
        # Imported when needed: reading and writing files takes longer to import than all the rest.
        import json

        from .model_file import write_model

        metadata = {
            "cnet_format": FORMAT_VERSION,
            "sizes": json.dumps(self.sizes),
            "activation": self.activation,
            "seed": str(self.seed),
            "iterations": str(self._iterations),
            "epochs": str(self._epochs),
        }
        write_model(path, self.params, metadata)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "sizes": self.sizes, "activation": self.activation, "dtype": self.dtype.name, "seed": self.seed,
            "epochs": self._epochs, "iterations": self._iterations, "history": self.history,
            "params": {name: array.copy() for name, array in self.params.items()},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set_up(state["sizes"], state["activation"], np.dtype(state["dtype"]), state["seed"])
        self._epochs, self._iterations, self.history = state["epochs"], state["iterations"], state["history"]
        for name, array in state["params"].items():
            self.params[name] = array


def _check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if dtype is None or checked not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return checked.newbyteorder("=")


def _check_std(weight_init_std: Any, sizes: tuple[int, int, int]) -> tuple[float, float]:
    """Standard deviation of each layer's initial weights."""
    if isinstance(weight_init_std, str):
        check_choice("weight_init_std", weight_init_std, ("he", "xavier"))
        gain = 2.0 if weight_init_std == "he" else 1.0
        return (gain / sizes[0]) ** 0.5, (gain / sizes[1]) ** 0.5
    std = check_number("weight_init_std", weight_init_std, positive=False)
    return std, std


def load(path: str | os.PathLike[str]) -> TwoLayerNet:
    """Read a network that `TwoLayerNet.save` wrote.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    TwoLayerNet
        It goes on where the saved one was: same parameters, same stream of random numbers.

    Raises
    ------
    TypeError
        If `path` is not a path.
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
    from .model_file import read_model

    tensors, metadata = read_model(path)
    try:
        return _rebuild(tensors, metadata)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)}: not a two-layer network of cnet: {error}") from None


def _rebuild(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> TwoLayerNet:
    import json

    version = metadata.get("cnet_format")
    if version != FORMAT_VERSION:
        raise ValueError(f"format version {version!r}, this cnet reads {FORMAT_VERSION!r}")
    sizes = json.loads(metadata["sizes"])
    if not isinstance(sizes, list) or len(sizes) != 3:
        raise ValueError(f"expected three sizes, got {metadata['sizes']}")
    if set(tensors) != set(NAMES):
        raise ValueError(f"expected the tensors {', '.join(NAMES)}, got {', '.join(sorted(tensors))}")
    n_in, n_hidden, n_out = (check_count("size", size) for size in sizes)
    shapes = {"W1": (n_in, n_hidden), "b1": (n_hidden,), "W2": (n_hidden, n_out), "b2": (n_out,)}
    for name, shape in shapes.items():
        if tensors[name].shape != shape or tensors[name].dtype != tensors["W1"].dtype:
            raise ValueError(f"{name} is {tensors[name].dtype}{tensors[name].shape}, expected {shape}")
    check_choice("activation", metadata["activation"], tuple(_network.ACTIVATIONS))
    seed, epochs, iterations = (_whole(metadata, name, bits) for name, bits in COUNTERS.items())
    net = TwoLayerNet.__new__(TwoLayerNet)
    net._set_up((n_in, n_hidden, n_out), metadata["activation"], tensors["W1"].dtype, seed)
    for name in NAMES:
        net.params[name] = tensors[name]
    net._epochs, net._iterations = epochs, iterations
    return net


def _whole(metadata: Mapping[str, str], name: str, bits: int) -> int:
    number = int(metadata[name])
    if not 0 <= number < 2**bits:
        raise ValueError(f"{name} must be from 0 to {2**bits - 1}, got {number}")
    return number
