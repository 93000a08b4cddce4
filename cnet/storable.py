"""Networks that can be saved, loaded, copied and pickled: taken apart and made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .checks import excerpt
from .errors import raise_in_context
from .history import Progress
from .parameters import Parameters
from .parts import FORMAT_VERSION, Parts, check_parts, parts_of_file
from .trained_on import KINDS

if TYPE_CHECKING:
    from .core._network import Network
    from .open_files import Source

__all__ = ["Storable"]

# What a network itself is made of; all other attributes are a caller's or a subclass's own.
OWN_ATTRIBUTES = frozenset({"_core", "_params", "seed", "_progress"})
STATE_KEYS = frozenset({
    "params", "sizes", "activation", "dtype", "seed", "epochs", "iterations", "history", "trained_on", "attributes",
    "slots",
})


class Storable:
    """A network that can be taken apart, into a file or a pickle, and made again.

    Its parts are what `parts.check_parts` checks; all other attributes are a caller's or a subclass's own,
    and travel with copies and pickles.
    """

    if TYPE_CHECKING:
        _core: Network
        _params: Parameters
        _progress: Progress
        seed: int

        def _set_up(self, sizes: tuple[int, int, int], activation: str, dtype: np.dtype[Any], seed: int) -> None: ...

    @property
    def _trained_on(self) -> str:
        """The kind of inputs that the last fit had: see `trained_on`."""
        return KINDS[self._core.trained_on]

    def save(self, path: Source) -> None:
        """Write the network to a file, whole or not at all.

        Parameters
        ----------
        path : str, os.PathLike or binary file open for writing
            Written exactly there, in the safetensors format, with a checksum. A leading ``~`` is the
            user's home folder. Into an open file all is written at its position, and it is left
            open; what it holds after an error is not defined.

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file.
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
        import json

        from .model_file import write_model

        metadata = {
            "cnet_format": FORMAT_VERSION,
            "sizes": json.dumps(self._core.sizes),
            "activation": self._core.activation,
            "seed": str(self.seed),
            "iterations": str(self._progress.iterations),
            "epochs": str(self._progress.epochs),
        }
        if self._core.trained_on:
            metadata["trained_on"] = self._trained_on
        write_model(path, self._params, metadata)

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
        TwoLayerNet
            Of the class that `load` was called on. It continues where the saved one was: same parameters,
            same stream of random numbers.

        Raises
        ------
        TypeError
            If `path` is neither a path nor an open binary file, or the file holds a network of another kind.
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, truncated or not a network of cnet.

        Examples
        --------
        >>> import cnet
        >>> cnet.TwoLayerNet.load("nowhere.safetensors")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
        """
        from .model_file import read_model
        from .open_files import as_source, named

        tensors, metadata = read_model(path)
        try:
            parts = parts_of_file(tensors, metadata)
        except (TypeError, ValueError) as error:
            name = named(as_source("path", path, "read"))
            raise ValueError(f"{name}: not a two-layer network of cnet: {error}") from None
        return cls._assembled(parts)

    @classmethod
    def _from_parts(
        cls, tensors: Any, *, sizes: Any, activation: Any, seed: Any, epochs: Any = 0, iterations: Any = 0,
        dtype: Any = None, history: Any = None, trained_on: Any = KINDS[0],
    ) -> Self:
        """Make a network of parts that nobody has checked yet; see `parts.check_parts` for what is refused."""
        return cls._assembled(check_parts(
            tensors, sizes=sizes, activation=activation, seed=seed, epochs=epochs, iterations=iterations,
            dtype=dtype, history=history, trained_on=trained_on,
        ))

    @classmethod
    def _assembled(cls, parts: Parts) -> Self:
        net = cls.__new__(cls)
        net._take_over(parts)
        return net

    def _take_over(self, parts: Parts) -> None:
        self._set_up(parts.sizes, parts.activation, parts.dtype, parts.seed)
        self._params.assign(parts.tensors)
        self._progress = Progress(parts.epochs, parts.iterations, parts.history)
        self._core.trained_on = KINDS.index(parts.trained_on)

    def __getstate__(self) -> dict[str, Any]:
        # The attributes, and those in a subclass's slots.
        whole = object.__getstate__(self)
        attributes, slots = whole if isinstance(whole, tuple) else (whole, None)
        return {
            "sizes": self._core.sizes, "activation": self._core.activation,
            "dtype": self._core.dtype.name, "seed": self.seed, "epochs": self._progress.epochs,
            "iterations": self._progress.iterations, "history": self._progress.history,
            "trained_on": self._trained_on,
            "params": self._params.copy(),
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
            parts = check_parts(tensors, **rest)
        except (TypeError, ValueError) as error:
            raise_in_context(error, context)
        self._take_over(parts)
        self.__dict__.update(attributes)
        for name, value in slots.items():
            object.__setattr__(self, name, value)
