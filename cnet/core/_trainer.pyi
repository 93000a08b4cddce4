from typing import Any

import numpy as np
import numpy.typing as npt

from ._inputs import CompressedRows
from ._network import Network
from ._record import Record

class Trainer:
    def __init__(
        self,
        net: Network,
        x: npt.ArrayLike | CompressedRows,
        t: npt.ArrayLike,
        weight: npt.ArrayLike | None,
        options: Any,
        *,
        key: int,
        first_epoch: int,
        iterations: int,
        given_orders: bool = False,
        rate_inside: bool = False,
        shared_penalty: bool = False,
    ) -> None: ...
    @property
    def sparse(self) -> bool: ...
    @property
    def density(self) -> float: ...
    @property
    def n_threads(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    def advance(self, record: Record, rates: npt.NDArray[np.float64]) -> bool: ...
    def set_orders(self, orders: npt.NDArray[np.int64], sums: npt.NDArray[np.float64]) -> None: ...
    def publish(self) -> bool: ...
    def reload(self) -> None: ...

def shuffled(key: int, n_rows: int) -> npt.NDArray[np.int64]: ...
