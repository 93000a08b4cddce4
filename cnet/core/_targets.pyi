from typing import Any

import numpy.typing as npt

def as_targets(t: Any) -> npt.NDArray[Any]: ...
