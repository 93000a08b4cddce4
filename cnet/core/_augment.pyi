from typing import Any

import numpy as np
import numpy.typing as npt

largest_side: int

def distort_rows(
    x: npt.ArrayLike, labels: npt.NDArray[np.int32] | None, augment: Any, key: int, epoch: int, n_threads: int
) -> npt.NDArray[Any]: ...
