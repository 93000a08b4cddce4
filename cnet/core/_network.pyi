from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ACTIVATIONS: dict[str, int]
FIRST_LAYERS: tuple[str, ...]

class Network:
    first_layer: str
    trained_on: int
    on_unlike: Callable[[int], object] | None
    def __new__(cls, sizes: tuple[int, ...], activation: str, dtype: npt.DTypeLike) -> Self: ...
    @property
    def sizes(self) -> Any: ...  # as many as were given
    @property
    def activation(self) -> str: ...
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
    def predict(self, x: npt.ArrayLike) -> npt.NDArray[Any]: ...
    def loss_and_accuracy(
        self, x: npt.ArrayLike, t: npt.ArrayLike, compare: bool = ..., n_threads: int = 0
    ) -> tuple[float, float]: ...
    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike
    ) -> tuple[tuple[npt.NDArray[Any], ...], tuple[npt.NDArray[Any], ...]]: ...

def padded_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]: ...
