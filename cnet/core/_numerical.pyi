from typing import Any

import numpy.typing as npt

from ._network import Network

def numerical_gradient(
    net: Network, x: npt.ArrayLike, t: npt.ArrayLike, h: float
) -> tuple[npt.NDArray[Any], ...]: ...
