"""Networks that can be saved, loaded, copied and pickled: taken apart and made again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from .checks import check_flag, excerpt
from .core._state import OptimizerState
from .errors import raise_in_context
from .history import Progress
from .parameters import Parameters
from .parts import OptimizerParts, Parts, check_parts
from .trained_on import KINDS

if TYPE_CHECKING:
    from .committee_file import Member
    from .core._network import Network
    from .losses import Loss
    from .networks import MultiLayerNet
    from .open_files import Source

__all__ = ["Storable", "read_parts"]

# What a network itself is made of; all other attributes are a caller's or a subclass's own.
OWN_ATTRIBUTES = frozenset({"_core", "_params", "seed", "_progress"})
STATE_KEYS = frozenset({
    "params", "sizes", "activation", "dtype", "seed", "epochs", "iterations", "history", "trained_on", "loss",
    "loss_parameter", "weight_decay_lambda", "first_layer", "optimizer_state", "attributes", "slots",
})


class Storable:
    """A network that can be taken apart, into a file or a pickle, and made again.

    Its parts are what `parts.check_parts` checks; all other attributes are a caller's or a subclass's own,
    and travel with copies and pickles.
    """

    # What files call the class.
    _KIND: str

    if TYPE_CHECKING:
        _core: Network
        _params: Parameters
        _progress: Progress
        seed: int

        def _set_up(
            self, sizes: tuple[int, ...], activations: tuple[str, ...], dtype: np.dtype[Any], seed: int, loss: Loss,
            weight_decay_lambda: float,
        ) -> None: ...

    @property
    def _trained_on(self) -> str:
        """The kind of inputs that the last fit had: see `trained_on`."""
        return KINDS[self._core.trained_on]

    def save(self, path: Source, optimizer_state: bool = False) -> None:
        """Write the network to a file, whole or not at all.

        Parameters
        ----------
        path : str, os.PathLike or binary file open for writing
            Written exactly there, in the safetensors format, with a checksum. A leading ``~`` is the
            user's home folder. Into an open file all is written at its position, and it is left
            open; what it holds after an error is not defined.
        optimizer_state : bool, default False
            Whether to write the optimizer's state too, so that a fit of the loaded network goes on as this one's
            would: it is as large as the parameters, with Adam twice as large.

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file, or `optimizer_state` is no bool.
        OSError
            If it cannot be written; what was there before is still there.

        Warns
        -----
        CnetWarning
            If the file had to be written in place, because it cannot be replaced by renaming (a single
            file mounted into a container, a read-only folder): a crash at that moment loses it.

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
        from .file_parts import file_of_parts
        from .model_file import write_model

        state = self._state()
        if not check_flag("optimizer_state", optimizer_state):
            state["optimizer_state"] = None
        write_model(path, *file_of_parts(self._KIND, state))

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        train_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        test_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        class_names: Sequence[str] | None = None,
        input_names: Sequence[str] | None = None,
        title: str | None = None,
    ) -> None:
        """Write a page that shows the network: one HTML file, which needs no server and no network access.

        With 784 inputs, which are taken for images of 28 x 28 pixels, one draws digits on the page and sees
        what the network makes of every stroke; with other inputs there is a form, and for two inputs their plane. The
        page shows every unit with its weights and its sum, the misread test samples, what would change the network's
        mind, and trains the network on some samples. It is in English and Chinese.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write, as in ``"digits.html"``. A leading ``~`` is the user's home folder.
        train_data : (x, t), optional
            Samples to train with on the page; of more than 250, as many are taken, evenly spread.
        test_data : (x, t), optional
            Samples to test with: 100 of them, and of a classifier the 40 most confident mistakes among all. Without
            both, a classifier of 784 inputs and 10 classes gets digits of `cnet.datasets.make_digits`.
        class_names : sequence of str, optional
            What the classes, or the outputs, are called; by default their numbers.
        input_names : sequence of str, optional
            What the inputs are called, where they are not pixels.
        title : str, optional
            The page's title; by default the layers' sizes.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type or shape, if parameters are not finite as float32, in which
            the page has them, or if there are more than ten million.
        OSError
            If the file cannot be written; what was there before is still there.

        Examples
        --------
        >>> import cnet, os, tempfile
        >>> net = cnet.TwoLayerNet(784, 50, 10, rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "digits.html")
        ...     net.to_html(path, title="Digits")
        ...     os.path.getsize(path) < 400_000
        True
        """
        from .page import write_page

        write_page(
            cast("MultiLayerNet", self), path, train_data=train_data, test_data=test_data, class_names=class_names,
            input_names=input_names, title=title,
        )

    @classmethod
    def load(cls, path: Source) -> Self:
        """Read a network that `save` wrote, as an object of the class that this is called on.

        ``__init__`` is not called: the file holds all that a network is made of, and attributes of a
        subclass's own are not in it.

        Parameters
        ----------
        path : str, os.PathLike or binary file open for reading
            A leading ``~`` is the user's home folder. An open file is read from its position to its end,
            and is left open.

        Returns
        -------
        MultiLayerNet or TwoLayerNet
            Of the class that `load` was called on. It continues where the saved one was: same parameters,
            same stream of random numbers.

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file, or the file holds a network of another kind.
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, truncated, not a network of cnet, or of a later version of cnet.

        See Also
        --------
        cnet.load : Reads any network.

        Examples
        --------
        >>> import cnet
        >>> cnet.TwoLayerNet.load("nowhere.safetensors")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
        """
        kind, parts = read_parts(path)
        if kind != cls._KIND or isinstance(parts, list):
            raise TypeError(
                f"the file holds a {kind}, which {cls.__name__}.load does not make: use cnet.load, which makes what "
                f"the file holds, or {kind}.load"
            )
        return cls._assembled(parts)

    @classmethod
    def _from_parts(cls, tensors: Any, **parts: Any) -> Self:
        """Make a network of parts that nobody has checked yet; see `parts.check_parts` for what is refused."""
        return cls._assembled(check_parts(tensors, kind=cls._KIND, **{"epochs": 0, "iterations": 0, **parts}))

    @classmethod
    def _assembled(cls, parts: Parts) -> Self:
        net = cls.__new__(cls)
        net._take_over(parts)
        return net

    def _take_over(self, parts: Parts) -> None:
        self._set_up(parts.sizes, parts.activations, parts.dtype, parts.seed, parts.loss, parts.weight_decay_lambda)
        self._params.assign(parts.tensors)
        self._progress = Progress(parts.epochs, parts.iterations, parts.history)
        self._core.trained_on = KINDS.index(parts.trained_on)
        self._core.first_layer = parts.first_layer
        self._core.optimizer_state = _optimizer_of(parts)

    def _state(self) -> dict[str, Any]:
        """The parts, as `parts.check_parts` takes them, but for ``params``, which it takes apart from them."""
        core = self._core
        return {
            "sizes": core.sizes, "activation": core.activation, "dtype": core.dtype.name, "seed": self.seed,
            "epochs": self._progress.epochs, "iterations": self._progress.iterations,
            "history": self._progress.history, "trained_on": self._trained_on, "loss": core.loss,
            "loss_parameter": core.loss_parameter, "weight_decay_lambda": core.weight_decay,
            "first_layer": core.first_layer, "optimizer_state": _taken_apart(core, self._params),
            "params": self._params.copy(),
        }

    def __getstate__(self) -> dict[str, Any]:
        # The attributes, and those in a subclass's slots.
        whole = object.__getstate__(self)
        attributes, slots = whole if isinstance(whole, tuple) else (whole, None)
        return {
            **self._state(),
            "attributes": {name: value for name, value in attributes.items() if name not in OWN_ATTRIBUTES},
            "slots": slots or {},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise TypeError(f"the state of a {type(self).__name__} must be a dict, got {type(state).__name__}")
        context = f"this is not the state of a {type(self).__name__}"
        differing = STATE_KEYS.symmetric_difference(state)
        if differing:
            raise ValueError(f"{context}: missing or unknown {excerpt(sorted(map(str, differing)))}")
        rest = dict(state)
        tensors, attributes, slots = (rest.pop(name) for name in ("params", "attributes", "slots"))
        for name, values in (("attributes", attributes), ("slots", slots)):
            if not isinstance(values, dict) or not OWN_ATTRIBUTES.isdisjoint(values):
                raise ValueError(f"{context}: its {name} are not those of a subclass or a caller")
        try:
            parts = check_parts(tensors, kind=self._KIND, **rest)
        except (TypeError, ValueError) as error:
            raise_in_context(error, context)
        self._take_over(parts)
        self.__dict__.update(attributes)
        for name, value in slots.items():
            object.__setattr__(self, name, value)


def read_parts(path: Source) -> tuple[str, Parts | list[Member]]:
    """The kind of network in a file, and its parts; of a committee those of each of its networks."""
    from .file_parts import NewerVersionError, parts_of_file
    from .model_file import read_model
    from .open_files import as_source, named

    tensors, metadata = read_model(path)
    what = "network"
    try:
        if metadata.get("kind") == "Committee" and metadata.get("cnet_format") == "2":
            from .committee_file import members_of_file

            what = "committee"
            return "Committee", members_of_file(tensors, metadata)
        return parts_of_file(tensors, metadata)
    except (TypeError, ValueError) as error:
        name = named(as_source("path", path, "read"))
        if isinstance(error, NewerVersionError):
            raise ValueError(f"cannot read {name}: {error}") from None
        raise ValueError(f"{name}: not a {what} of cnet: {error}") from None


def _taken_apart(core: Network, params: Parameters) -> dict[str, Any] | None:
    """An optimizer's state as plain data, in copies: array i of parameter p is called "i.p"."""
    if core.optimizer_state is None:
        return None
    state = core.optimizer_state.copy()
    arrays: dict[str, Any] = {}
    for i, pair in enumerate(state.arrays):
        arrays |= {f"{i}.{name}": array for name, array in _by_name(pair, params).items()}
    # Of no use to a network whose parameters were changed since.
    raw = state.raw_of(core)
    raw_arrays = None if raw is None else _by_name(raw, params)
    return {"name": state.name, "steps": state.steps, "arrays": arrays, "raw": raw_arrays}


def _by_name(pair: tuple[Any, ...], params: Parameters) -> dict[str, Any]:
    """Arrays of weights and of biases, as the parameters are called."""
    in_turn = [array for layer in zip(*pair, strict=True) for array in layer]
    return dict(zip(params, in_turn, strict=True))


def _optimizer_of(parts: Parts) -> OptimizerState | None:
    """The optimizer's state as the core has it."""
    found: OptimizerParts | None = parts.optimizer
    if found is None:
        return None
    arrays = tuple(_pair_of(of_one, parts.dtype) for of_one in found.arrays)
    if found.raw is None:
        return OptimizerState(found.name, arrays, found.steps)
    average = _pair_of(parts.tensors, parts.dtype)
    return OptimizerState(found.name, arrays, found.steps, _pair_of(found.raw, parts.dtype), average)


def _pair_of(arrays: dict[str, Any], dtype: np.dtype[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Those of weights and of biases: contiguous copies in the network's type."""
    copies = [np.array(array, dtype, order="C") for array in arrays.values()]
    return tuple(copies[::2]), tuple(copies[1::2])
