import numpy as np
import numpy.typing as npt

from ._network import Network

class Trainer:
    def __init__(
        self,
        net: Network,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        batch_size: int,
        momentum: float,
        shuffle: bool,
        key: int,
        first_epoch: int,
        iterations: int,
        n_threads: int,
    ) -> None: ...
    @property
    def sparse(self) -> bool: ...
    @property
    def density(self) -> float: ...
    @property
    def n_threads(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def correct(self) -> int: ...
    def start_epoch(self, epoch: int) -> None: ...
    def run(self, loss: npt.NDArray[np.float64], rates: npt.NDArray[np.float64]) -> tuple[int, bool]: ...
    def publish(self) -> bool: ...
    def reload(self) -> None: ...
