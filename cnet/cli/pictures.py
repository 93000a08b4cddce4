"""The pictures of a run. matplotlib is imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..atomic_file import replacing

if TYPE_CHECKING:
    from .run_folder import Record

__all__ = ["available", "write_curves"]


def available() -> bool:
    """Whether matplotlib is there."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def write_curves(record: Record, path: str) -> None:
    """Draw loss by iteration and accuracies by epoch into a PNG file."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    width = max(1, record.iterations // 100)
    loss = record.loss
    left.plot(np.arange(1, len(loss) + 1), loss, color="0.8", linewidth=0.5, label="each mini-batch")
    if len(loss) >= width:
        smooth = np.convolve(loss, np.full(width, 1 / width), "valid")
        left.plot(np.arange(width, len(loss) + 1), smooth, color="#0072B2", label=f"mean over {width}")
    left.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
    epochs = np.array(record.epochs["iteration"]) / record.settings.iterations_per_epoch
    for name, colour, style in (("train", "#0072B2", "o-"), ("test", "#D55E00", "s--")):
        right.plot(epochs, record.epochs[f"{name}_accuracy"], style, color=colour, markersize=3, label=name)
    right.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
