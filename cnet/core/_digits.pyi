import numpy as np
import numpy.typing as npt

def draw(
    points: npt.NDArray[np.float64],
    strokes: npt.NDArray[np.int32],
    skeletons: npt.NDArray[np.int32],
    digits: npt.NDArray[np.int32],
    key: int,
    first: int,
    last: int,
    labels: npt.NDArray[np.uint8],
    images: npt.NDArray[np.uint8],
) -> None: ...
