from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ._inputs import CompressedRows
from ._state import OptimizerState

ACTIVATIONS: tuple[str, ...]
LOSSES: tuple[str, ...]
OPTIMIZERS: tuple[str, ...]
FIRST_LAYERS: tuple[str, ...]

class Network:
    first_layer: str
    forced_first_layer: str
    watches_zeros: bool
    weight_decay: float
    optimizer_state: OptimizerState | None
    trained_on: int
    on_unlike: Callable[[int], object] | None
    def __new__(
        cls,
        sizes: tuple[int, ...],
        activations: str | tuple[str, ...],
        dtype: npt.DTypeLike,
        loss: str = "cross_entropy",
        loss_parameter: float = ...,
        weight_decay: float = ...,
    ) -> Self: ...
    @property
    def sizes(self) -> Any: ...  # as many as were given
    @property
    def activation(self) -> Any: ...  # a str, or a tuple of them
    @property
    def activations(self) -> tuple[str, ...]: ...
    @property
    def loss(self) -> str: ...
    @property
    def loss_parameter(self) -> float: ...
    @property
    def asked_to_stop(self) -> bool: ...
    @property
    def has_accuracy(self) -> bool: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def weights(self) -> tuple[npt.NDArray[Any], ...]: ...
    @property
    def biases(self) -> tuple[npt.NDArray[Any], ...]: ...
    @property
    def is_float32(self) -> bool: ...
    @property
    def n_out(self) -> int: ...
    def predict(self, x: npt.ArrayLike | CompressedRows) -> npt.NDArray[Any]: ...
    def loss_and_accuracy(
        self, x: npt.ArrayLike | CompressedRows, t: npt.ArrayLike, compare: bool = ..., n_threads: int = 0,
        weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Any]: ...  # the accuracy: float or None
    def gradient(
        self, x: npt.ArrayLike | CompressedRows, t: npt.ArrayLike, weight: npt.ArrayLike | None = None
    ) -> tuple[tuple[npt.NDArray[Any], ...], tuple[npt.NDArray[Any], ...]]: ...
    def loss_and_gradient(
        self, x: npt.ArrayLike | CompressedRows, t: npt.ArrayLike, weight: npt.ArrayLike | None = None
    ) -> tuple[float, tuple[npt.NDArray[Any], ...], tuple[npt.NDArray[Any], ...]]: ...

def padded_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]: ...
def vocabularies() -> dict[str, tuple[str, ...]]: ...
