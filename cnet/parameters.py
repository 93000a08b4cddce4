"""The parameters of a network, as a mapping of names to arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .core._arrays import native, real_array

__all__ = ["Parameters"]

Array = npt.NDArray[Any]
Values = Mapping[str, npt.ArrayLike] | Iterable[tuple[str, npt.ArrayLike]]


class Parameters(Mapping[str, Array]):
    """The parameters of a network: a fixed mapping of names to arrays.

    The arrays are the network's own memory: changing one in place changes the network.
    Assignment copies into them. ``copy()`` takes values that no later training changes.

    Parameters
    ----------
    arrays : dict of str to numpy.ndarray
        The arrays themselves, not copies of them.

    Raises
    ------
    KeyError
        On access or assignment to a name that is not there.
    TypeError
        On assignment of something that does not hold real numbers, or on removal of a name.
    ValueError
        On assignment of another shape, of numbers that overflow the network's type, or to an array
        that is marked read-only.

    Examples
    --------
    >>> import cnet
    >>> net = cnet.TwoLayerNet(2, 3, 2, rng=0)
    >>> {name: array.shape for name, array in net.params.items()}
    {'W1': (2, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
    >>> net.params["b1"] += 1
    >>> net.params["b1"]
    array([1., 1., 1.], dtype=float32)

    Keep the current values, and restore them later:

    >>> kept = net.params.copy()
    >>> net.params.update(b1=[0, 0, 0], b2=[0, 5])
    >>> net.params = kept
    >>> net.params["b1"]
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        self._write({name: value})

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"the parameters of a network cannot be removed, {name!r} neither")

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __eq__(self, other: object) -> bool:
        """Whether `other` is a mapping of the same names to arrays of the same values."""
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.keys() == other.keys() and all(np.array_equal(array, other[name]) for name, array in self.items())

    __hash__ = None  # type: ignore[assignment]

    def __ior__(self, other: Values) -> Parameters:
        self.update(other)
        return self

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {array.dtype}{array.shape}" for name, array in self.items())
        return f"<Parameters {shapes}>"

    def copy(self) -> dict[str, Array]:
        """Copy the parameters into a plain dict, which later training does not change.

        Returns
        -------
        dict of str to numpy.ndarray

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(2, 3, 2, rng=0)
        >>> kept = net.params.copy()
        >>> net.params["b2"] += 1
        >>> kept["b2"]
        array([0., 0.], dtype=float32)
        """
        return {name: array.copy() for name, array in self.items()}

    def update(self, values: Values = (), /, **more: npt.ArrayLike) -> None:
        """Assign some parameters by name: all of those that are given, or, after an error, none.

        Parameters
        ----------
        values : mapping of str to array_like, or iterable of pairs
        **more : array_like
            Further values by name.

        Raises
        ------
        KeyError, TypeError, ValueError
            The same errors as assignment to a single name; nothing is changed then.

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(2, 3, 2, rng=0)
        >>> net.params.update({"b1": [1, 2, 3]}, b2=[4, 5])
        >>> net.params["b2"]
        array([4., 5.], dtype=float32)
        """
        self._write({**dict(values), **more})

    def assign(self, values: Mapping[str, npt.ArrayLike]) -> None:
        """Assign every parameter at once, as ``net.params = values`` does: all, or, after an error, none.

        Parameters
        ----------
        values : mapping of str to array_like
            A value for each name, and no other names.

        Raises
        ------
        TypeError
            If it is not a mapping, or one of the values does not hold real numbers.
        ValueError
            If a name is missing or unknown, or a value does not fit.

        Examples
        --------
        >>> import cnet
        >>> one, other = cnet.TwoLayerNet(2, 3, 2, rng=0), cnet.TwoLayerNet(2, 3, 2, rng=1)
        >>> one.params.assign(other.params)
        >>> one.params == other.params
        True
        """
        if not isinstance(values, Mapping):
            raise TypeError(
                f"params must be a mapping of {', '.join(self)} to arrays, got {type(values).__name__}"
            )
        given = dict(values)
        wrong = [f"{name} is missing" for name in self if name not in given]
        wrong += [f"{name!r} is not a parameter" for name in given if name not in self._arrays]
        if wrong:
            raise ValueError(
                f"params must be given {', '.join(self)} together: {', '.join(wrong)}; "
                "params.update(...) assigns some of them"
            )
        self._write(given)

    def read_only(self) -> list[str]:
        """List the names of the parameters whose arrays are marked read-only.

        Returns
        -------
        list of str

        Examples
        --------
        >>> import cnet
        >>> net = cnet.TwoLayerNet(2, 3, 2, rng=0)
        >>> net.params["W1"].flags.writeable = False
        >>> net.params.read_only()
        ['W1']
        """
        return [name for name, array in self._arrays.items() if not array.flags.writeable]

    def _write(self, values: Mapping[str, npt.ArrayLike]) -> None:
        # Everything is converted and checked before anything is written; the values are copies by then,
        # so that parameters may be exchanged for one another.
        ready = [(self._arrays[name], self._converted(name, value)) for name, value in values.items()]
        for target, array in ready:
            if array is not target:
                target[...] = array

    def _converted(self, name: str, value: npt.ArrayLike) -> Array:
        """A copy of `value` in the parameter's type; the parameter's own array as it is."""
        if name not in self._arrays:
            raise KeyError(f"{name!r} is not a parameter; there are {', '.join(self._arrays)}")
        target = self._arrays[name]
        # As in params["W1"] -= ..., which has been written in place.
        if value is target:
            return target
        if not target.flags.writeable:
            raise ValueError(f"{name} is read-only (its flags.writeable is False), so nothing can be assigned to it")
        array = real_array(value, name)
        if array.shape != target.shape:
            raise ValueError(f"{name} must have shape {target.shape}, got {array.shape}")
        cast: Array = native(array, target.dtype)
        if cast is array:
            cast = array.copy()
        if np.isinf(cast).any() and not np.array_equal(np.isinf(cast), np.isinf(array)):
            raise ValueError(f"{name} has a value that is too large for {target.dtype}")
        return cast
