"""What all optimizers have in common: checked hyper-parameters, and steps on any mapping of parameters."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .checks import check_number, check_share, is_real
from .values import Value

__all__ = ["Optimizer"]

Array = npt.NDArray[Any]


class Optimizer(Value):
    """The base of all optimizers: a learning rate, hyper-parameters, and the loop over the parameters."""

    # The optimizer's name in fit(optimizer=...), and the arrays of state that each parameter needs.
    name: ClassVar[str]
    n_states: ClassVar[int] = 0
    # The learning rates of fit and of update where lr is None; update has those of the book's classes.
    default_lr: ClassVar[float]
    update_lr: ClassVar[float] = 0.01

    lr: float | None
    # Of the updates by hand: how many there were, and the state of each parameter.
    _steps: int
    _states: dict[Any, list[Array]]

    def __init__(self, lr: float | None = None, **hyper: float) -> None:
        self._set(lr=None if lr is None else check_number("lr", lr, positive=True), _steps=0, _states={})
        self._set(**{name: _check_hyper(name, value) for name, value in hyper.items()})

    def __getstate__(self) -> dict[str, Any]:
        # A copy must not share its state with the original.
        states = {name: [array.copy() for array in arrays] for name, arrays in self._states.items()}
        return {**self.__dict__, "_states": states}

    def hyper(self) -> dict[str, float]:
        """Return the hyper-parameters by name, without the learning rate.

        Returns
        -------
        dict of str to float

        Examples
        --------
        >>> from cnet.optimizers import Adam
        >>> Adam(beta1=0.8).hyper()
        {'beta1': 0.8, 'beta2': 0.999, 'epsilon': 1e-08}
        """
        return {name: value for name, value in self._attributes().items() if name != "lr"}

    def update(self, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
        """Take one step, for a training loop written by hand.

        Arrays are updated in place; plain numbers are replaced in the mapping. The state of the updates stays on this
        object: use one object for one set of parameters. Where `lr` is None, the rate is the class's ``update_lr``,
        that of the book's class: 0.001 for Adam and AdamW, 0.01 for the others.

        Parameters
        ----------
        params : mapping of names to arrays or numbers
            The parameters, for instance ``net.params``.
        grads : mapping of names to arrays or numbers
            The gradient of each parameter, in its shape; other names are ignored.

        Raises
        ------
        TypeError
            If `params` or `grads` is not a mapping, or holds something else than floats.
        ValueError
            If a gradient is missing, or a shape is another one than that of the parameter or of the updates before;
            or an array is read-only. Nothing has changed then.

        Examples
        --------
        >>> import numpy as np
        >>> from cnet.optimizers import SGD
        >>> params = {"W": np.array([1.0, 2.0]), "b": 3.0}
        >>> SGD(lr=0.5).update(params, {"W": np.array([2.0, 2.0]), "b": 1.0})
        >>> params["W"].tolist(), params["b"]
        ([0.0, 1.0], 2.5)
        """
        todo = [(name, *_entry(name, params, grads)) for name in _names(params, grads)]
        for name, weight, _ in todo:
            self._check_state(name, weight)
        self._set(_steps=self._steps + 1)
        rate = self.update_lr if self.lr is None else self.lr
        for name, weight, gradient in todo:
            # Only a number's array is not the very object that stands in the mapping.
            former = params[name]
            if self.n_states and name not in self._states:
                self._states[name] = [np.zeros(weight.shape, weight.dtype) for _ in range(self.n_states)]
            self._step(rate, weight, gradient, *self._states.get(name, ()))
            if not isinstance(former, np.ndarray):
                params[name] = weight[()] if isinstance(former, np.floating) else float(weight)

    def _check_state(self, name: Any, weight: Array) -> None:
        if self.n_states and self._steps and name not in self._states:
            raise ValueError(f"{name!r} was not among the parameters of the first update; make a new "
                             f"{type(self).__name__}() for other parameters")
        for array in self._states.get(name, ()):
            if array.shape != weight.shape:
                raise ValueError(f"params[{name!r}] had shape {array.shape} in the updates before, got {weight.shape}; "
                                 f"make a new {type(self).__name__}() for other parameters")

    def _step(self, rate: float, weight: Array, gradient: Array, *states: Array) -> None:
        """Change `weight` and its state in place, by the formula in the class's first line."""
        raise NotImplementedError


def _check_hyper(name: str, value: Any) -> float:
    """One hyper-parameter, checked by its name."""
    if name in ("momentum", "decay_rate", "beta1", "beta2"):
        return check_share(name, value, positive=False)
    return check_number(name, value, positive=name == "epsilon")


def _names(params: Any, grads: Any) -> list[Any]:
    for name, value in (("params", params), ("grads", grads)):
        if not isinstance(value, Mapping):
            raise TypeError(f"{name} must be a mapping of names to arrays or numbers, got {type(value).__name__}")
    missing = [name for name in params if name not in grads]
    if missing:
        raise ValueError(f"grads must hold a gradient for each parameter; missing: {', '.join(map(repr, missing))}")
    return list(params)


def _entry(name: Any, params: Mapping[Any, Any], grads: Mapping[Any, Any]) -> tuple[Array, Array]:
    """One parameter and its gradient as arrays of one shape and type; the parameter's is itself, if it is an array."""
    weight, gradient = params[name], grads[name]
    if isinstance(weight, np.ndarray):
        if weight.dtype.kind != "f":
            raise TypeError(f"params[{name!r}] must be an array of floats, which can be updated in place, "
                            f"got dtype {weight.dtype}")
        if not weight.flags.writeable:
            raise ValueError(f"params[{name!r}] cannot be updated: marked read-only (flags.writeable is False)")
    elif is_real(weight) and not isinstance(weight, bool | np.bool_):
        weight = np.array(weight, weight.dtype if isinstance(weight, np.floating) else np.float64)
    else:
        raise TypeError(f"params[{name!r}] must be an array of floats or a number, got {type(weight).__name__}")
    given = np.asarray(gradient)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"grads[{name!r}] must hold real numbers, got {type(gradient).__name__} of dtype {given.dtype}")
    if given.shape != weight.shape:
        raise ValueError(f"grads[{name!r}] must have the shape of its parameter, {weight.shape}, got {given.shape}")
    return weight, given.astype(weight.dtype, copy=False)
