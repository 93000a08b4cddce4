"""MultiLayerNet, and TwoLayerNet, its two-layer face: initial weights, and delegation to the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from . import training
from .activations import ACTIVATIONS, as_activations
from .callbacks import Callback, EarlyStopping
from .checks import check_choice, check_count, check_number
from .core import _network
from .core._one_fit import request_stop
from .history import History, Progress
from .initial_weights import check_std, draw_weights
from .losses import CrossEntropy, Loss, as_loss
from .optimizer_base import Optimizer
from .optimizers import LinearRamp
from .options import check_options
from .parameters import Parameters
from .parts import parameter_names
from .passes import Passes
from .rng import as_key
from .schedule_base import Schedule
from .storable import Storable, read_parts
from .trained_on import warn_unlike

if TYPE_CHECKING:
    from .open_files import Source

__all__ = ["MultiLayerNet", "Parameters", "TwoLayerNet", "load"]

Array = npt.NDArray[Any]

MOST_HIDDEN_LAYERS = 16


class MultiLayerNet(Passes, Storable):
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
    weight_init_std : float, "relu", "he", "sigmoid" or "xavier", default "relu"
        The standard deviation of the initial weights, which are drawn from a normal distribution
        around 0: a number for all layers, or for a layer of n inputs
        ``sqrt(2 / n)`` ("relu" or "he" [2]_) or ``sqrt(1 / n)`` ("sigmoid" or "xavier", a simpler form of the rule
        in [3]_). Biases begin at 0.
    weight_decay_lambda : float, default 0
        The factor of the L2 penalty: half of it times the sum of all squared weights (not biases) is part of the loss.
    loss : str or an object of cnet.losses, default "cross_entropy"
        What is made small, and with it what the outputs mean.
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
        weight_init_std: float | Literal["relu", "he", "sigmoid", "xavier"] = "relu",
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
        draw_weights(self._params, stds, self.seed)

    def _set_up(
        self, sizes: tuple[int, ...], activations: tuple[str, ...], dtype: np.dtype[Any], seed: int, loss: Loss,
        weight_decay_lambda: float,
    ) -> None:
        self._core = _network.Network(sizes, activations, dtype, loss.name, loss.parameter, weight_decay_lambda)
        self._core.on_unlike = warn_unlike
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
        """The hidden layers' activation; where they are not all the same, or there is no hidden layer, a tuple."""
        activation: str | tuple[str, ...] = self._core.activation
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
        n_in, *hidden, n_out = self.sizes
        loss = self.loss_function
        text = f"{type(self).__name__}({n_in}, {hidden}, {n_out}, activation={self.activation!r}"
        if self.weight_decay_lambda:
            text += f", weight_decay_lambda={self.weight_decay_lambda:g}"
        return f"{text}, loss={loss if loss.parameter else repr(loss.name)}, dtype={self.dtype})"

    def fit(
        self,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        iterations: int | None = None,
        epochs: int | None = None,
        batch_size: int = 100,
        learning_rate: float | LinearRamp | None = None,
        optimizer: str | Optimizer = "sgd",
        schedule: str | Schedule | Callable[[int, int], float] | None = None,
        sampling: Literal["replacement", "shuffle"] = "replacement",
        sample_weight: npt.ArrayLike | None = None,
        class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        label_smoothing: float = 0.0,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        averaging: float | None = None,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        validation_split: float | None = None,
        early_stopping: int | EarlyStopping | None = None,
        gradient: Literal["backprop", "numerical"] = "backprop",
        n_threads: int | None = None,
        rng: int | np.random.Generator | None = None,
        callback: Callback | Sequence[Callback] | None = None,
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
            The targets that the network's loss takes: class indices (N,), one-hot rows or values (N, O).
        iterations, epochs : int, optional
            How long to train: pass one of them, or neither for 10 epochs.
        batch_size : int, default 100
            The number of samples in each mini-batch.
        learning_rate : float or cnet.optimizers.LinearRamp, optional
            The rate, which `schedule` may vary, or a ramp of rates. By default the optimizer's `lr`; if that is None
            too, 0.1 for SGD, Momentum and Nesterov, 0.01 for AdaGrad and RMSprop, 0.001 for Adam and AdamW.
        optimizer : str or an object of cnet.optimizers, default "sgd"
            "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam" or "adamw". The optimizer's
            state stays with the network: a fit with the same kind of optimizer goes on from there, until
            ``reset_optimizer()``.
        schedule : str, an object of cnet.schedules, or callable, optional
            A factor on the learning rate for each iteration: "constant", "step", "exponential", "cosine", "linear",
            "one-cycle", or ``f(iteration, total)``, with the iterations of this fit from 0. Factors are computed for
            up to 65,536 iterations in advance.
        sampling : {"replacement", "shuffle"}
            "replacement" draws each mini-batch at random from all samples, as the chapter does.
            "shuffle" shuffles all samples for each epoch; its last mini-batch may be short.
        sample_weight : array_like, shape (N,), optional
            How much each sample counts: finite, not negative, not all 0. The loss of a mini-batch is
            ``sum(w * loss) / sum(w)``; one whose weights are all 0 makes no step and has loss 0.
        class_weight : dict or "balanced", optional
            The weight of each class, 1 for those that are not named; "balanced" gives all classes the same weight in
            sum: the whole weight over (the number of classes times the class's weight). Samples have the product of
            both weights. Targets must be class indices or one-hot rows. Validation data are not weighted by class.
        dropout : float or sequence of float, default 0
            The probability with which a hidden unit is left out in training, for all hidden layers or for each. The
            others are scaled by ``1 / (1 - dropout)``.
        input_dropout : float, default 0
            The same for inputs.
        label_smoothing : float, default 0
            This share of each target is spread evenly over the classes.
        clip_norm : float, optional
            The gradient, of all parameters together, is scaled down to at most this norm.
        max_norm : float, optional
            After each step, the weights that lead to one unit are scaled down to at most this norm.
        averaging : float, optional
            The decay d, above 0 and below 1, of an average of the parameters: ``average = d * average + (1 - d) * W``
            after each step, from the parameters before the fit on. During the fit, for validation and callbacks, and
            after it, ``params`` hold the average. The next fit goes on from the weights that are not averaged, unless
            ``params`` were changed meanwhile.
        validation_data : (x, t), optional
            Data on which loss and accuracy are measured at the end of each epoch.
        validation_split : float, optional
            Instead of `validation_data`: the share of the samples, rounded, but at least one, that is held out and
            not trained with. They are drawn once, before the fit, from the stream of random numbers alone: fits
            that continue with ``rng=None`` hold out the same rows. Both parts are copies. They are measured with their
            `sample_weight`.
        early_stopping : int or cnet.EarlyStopping, optional
            End the fit when the loss on the validation data has not improved for so many epochs, and go back to the
            best parameters.
        gradient : {"backprop", "numerical"}
            "backprop" is backpropagation. "numerical" is central differences, as in `numerical_gradient`
            with h = 1e-4: in float64, hundreds of times slower, and for plain SGD only, without dropout,
            smoothing, norms and averaging.
        n_threads : int, optional
            The most threads to use; by default as many as the work is worth. Never more than
            ``get_num_threads()``, and fewer while other programs take processors from the fit. The
            result does not depend on it.
        rng : None, int or numpy.random.Generator
            None continues the network's own stream of random numbers.
        callback : callable or list of callables, optional
            Called with an `EpochInfo` at each epoch's end; returning True stops the fit. ``begin(network, total)`` and
            ``end(network)`` of those that have them are called before the first iteration and after the last one.
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
            If an argument is of the wrong type or shape, or out of range. Nothing has changed then, unless a schedule
            of your own returned what is no factor in the midst of a long fit.

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
            n_hidden=len(self.sizes) - 2, loss=self.loss_function,
            iterations=iterations, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            optimizer=optimizer, schedule=schedule, sampling=sampling, gradient=gradient, n_threads=n_threads,
            dropout=dropout, input_dropout=input_dropout, label_smoothing=label_smoothing, clip_norm=clip_norm,
            max_norm=max_norm, averaging=averaging, validation_split=validation_split, early_stopping=early_stopping,
            callback=callback, validation_data=validation_data,
        )
        return training.fit(
            self, x, t, options, validation_data=validation_data, sample_weight=sample_weight,
            class_weight=class_weight, rng=rng, callback=callback, progress=progress,
        )

    def request_stop(self) -> None:
        """Ask the `fit` that is training this network to end, from another thread or a signal handler.

        It ends at its next tick, within a tenth of a second or after the current mini-batch, as if all iterations
        were done; its history says ``stopped="request"``. Where no fit is running, nothing happens, also to fits that
        begin later.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> history = net.fit(x, t, epochs=5, callback=lambda info: net.request_stop())
        >>> history.epochs, history.stopped
        (1, 'request')
        """
        request_stop(self._core)

    def reset_optimizer(self) -> None:
        """Forget the optimizer's state, so that the next `fit` begins with a new one, from ``params`` as they are.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> history = net.fit(x, t, epochs=2, optimizer="adam")
        >>> net.reset_optimizer()
        """
        self._core.optimizer_state = None


class TwoLayerNet(MultiLayerNet):
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

    _KIND = "TwoLayerNet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | Literal["he", "xavier"] = 0.01,
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
        stds = check_std(weight_init_std, sizes, ("he", "xavier"))
        check_choice("activation", activation, tuple(ACTIVATIONS))
        self._set_up(sizes, (activation,), _check_dtype(dtype), as_key(rng), CrossEntropy(), 0.0)
        draw_weights(self._params, stds, self.seed)

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
_KINDS: dict[str, type[MultiLayerNet]] = {each._KIND: each for each in (TwoLayerNet, MultiLayerNet)}


def load(path: Source) -> MultiLayerNet:
    """Read a network that `TwoLayerNet.save` or `MultiLayerNet.save` wrote.

    Parameters
    ----------
    path : str, os.PathLike or binary file open for reading
        A leading ``~`` is the user's home folder. An open file is read from its position to its end,
        and is left open.

    Returns
    -------
    TwoLayerNet or MultiLayerNet
        What was saved. It continues where the saved one was: same parameters, same stream of random numbers.

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
    return _KINDS[kind]._assembled(parts)
