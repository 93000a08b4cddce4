import numpy as np
import numpy.typing as npt

from ._network import Network
from ._record import Record

class NumericalTrainer:
    def __init__(
        self,
        net: Network,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        *,
        batch_size: int,
        h: float,
        shuffle: bool,
        key: int,
        first_epoch: int,
        n_threads: int,
    ) -> None: ...
    @property
    def n_rows(self) -> int: ...
    def advance(self, record: Record, rates: npt.NDArray[np.float64]) -> bool: ...
    def reload(self) -> None: ...
