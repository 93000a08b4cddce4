"""Immutable objects that are made of a few named numbers: optimizers, losses and schedules.

Frozen dataclasses would do, but twenty of them take 8 ms to define, whenever cnet is imported.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Value"]


class Value:
    """An object that is equal to another one of its class with the same attributes, and cannot be changed.

    A constructor sets the attributes by `_set`, in the order of its parameters. Attributes whose names begin with an
    underscore do not count.
    """

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _attributes(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of {self!r} cannot be changed; make a new {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} of {self!r} cannot be deleted")

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._attributes().items())
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._attributes() == other._attributes()

    def __hash__(self) -> int:
        return hash((type(self), *self._attributes().values()))
