from typing import Any

import numpy as np
import numpy.typing as npt

def multiply(
    a: npt.NDArray[np.floating[Any]],
    b: npt.NDArray[np.floating[Any]],
    *,
    transposed: bool = False,
    over_zeros: bool = False,
    repeats: int = 1,
    n_threads: int = 1,
) -> tuple[npt.NDArray[np.floating[Any]], float]: ...
