import numpy as np
import numpy.typing as npt

from ._network import Network

class NumericalTrainer:
    def __init__(
        self,
        net: Network,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        batch_size: int,
        h: float,
        shuffle: bool,
        key: int,
        n_threads: int,
    ) -> None: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def correct(self) -> int: ...
    def start_epoch(self, epoch: int) -> None: ...
    def run(self, loss: npt.NDArray[np.float64], rates: npt.NDArray[np.float64]) -> tuple[int, bool]: ...
    def publish(self) -> bool: ...
    def reload(self) -> None: ...
