from typing import Any

import numpy.typing as npt

from ._network import Network

class CentralDifferences:
    def __init__(self, net: Network, h: float, most_rows: int, n_threads: int) -> None: ...
    @property
    def gradients(self) -> tuple[npt.NDArray[Any], ...]: ...
    @property
    def loss(self) -> float: ...
    @property
    def correct(self) -> int: ...

def numerical_gradient(
    net: Network, x: npt.ArrayLike, t: npt.ArrayLike, h: float, n_threads: int = 0,
    weight: npt.ArrayLike | None = None,
) -> tuple[npt.NDArray[Any], ...]: ...
