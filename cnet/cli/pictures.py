"""The pictures of a run, by ``cnet.plots``. matplotlib is imported when one is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..atomic_file import replacing
from ..checks import printable
from .console import Failure, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..networks import MultiLayerNet
    from .data import Data
    from .record import Record

__all__ = [
    "available", "write_comparison", "write_confusion", "write_curves", "write_misread", "write_weights",
]


def available() -> bool:
    """Tell whether matplotlib is installed."""
    try:
        with _own_backend():
            import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _own_backend() -> Iterator[None]:
    """Import matplotlib here, whatever MPLBACKEND says: files need no window, and nonsense there is an error."""
    former = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    finally:
        if former is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = former


def require() -> None:
    """Raise a Failure without matplotlib."""
    if not available():
        raise Failure('pictures need matplotlib: pip install "cnet-nn[cli]"')


def write_curves(record: Record, path: str, dark: bool = False) -> None:
    """Draw loss by iteration and accuracies by epoch, side by side."""
    from ..plots import accuracy_curve, loss_curve
    from ..plots.style import legend, palette

    epochs = record.epochs
    with _figure(path, (11, 4), dark) as figure:
        left, right = figure.subplots(1, 2)
        if len(record.loss):
            loss_curve(record.loss, ax=left)
            colour = palette(left)[1]
            left.plot(
                epochs["iteration"], epochs["test_loss"], "s--", color=colour, markersize=4, label="test"
            )
            if "validation_loss" in epochs:
                left.plot(
                    epochs["iteration"], epochs["validation_loss"], "^:", color=palette(left)[2], markersize=4,
                    label="validation",
                )
            legend(left, loc="best")
        if epochs["iteration"]:
            accuracy_curve(record.history(), labels=("train", "test"), ax=right)


def write_weights(net: MultiLayerNet, path: str, dark: bool = False) -> None:
    """Draw the weights of each hidden unit."""
    from ..plots import weights
    from ..plots.images import weights_size

    with _figure(path, weights_size(net), dark) as figure:
        weights(net, ax=figure.subplots())


def write_confusion(net: MultiLayerNet, data: Data, path: str, dark: bool = False) -> None:
    """Draw which digit was taken for which, over the test images."""
    from ..plots import confusion_matrix

    with _figure(path, (7, 6.5), dark) as figure:
        confusion_matrix(net, *data.test, ax=figure.subplots())


def write_misread(net: MultiLayerNet, data: Data, path: str, dark: bool = False) -> None:
    """Draw the test images that the network got wrong."""
    from ..plots import misread

    with _figure(path, (8, 6), dark) as figure:
        misread(net, *data.test, ax=figure.subplots())


def write_comparison(records: dict[str, Record], path: str, dark: bool = False) -> None:
    """Draw the test accuracy and loss of several runs, by epoch."""
    import numpy as np
    from matplotlib.ticker import PercentFormatter

    from ..plots.style import legend, palette, tidy

    with _figure(path, (11, 4), dark) as figure:
        left, right = figure.subplots(1, 2)
        colours = palette(left)
        for i, (name, record) in enumerate(records.items()):
            epochs = np.array(record.epochs["iteration"]) / record.settings.iterations_per_epoch
            look: dict[str, Any] = {
                # More runs than colours take another kind of line.
                "color": colours[i % len(colours)], "linestyle": ("-", "--", ":")[i // len(colours) % 3],
                "marker": "o", "markersize": 3, "label": _label(name),
            }
            left.plot(epochs, record.epochs["test_loss"], **look)
            right.plot(epochs, record.epochs["test_accuracy"], **look)
        tidy(left, "Loss on the test images", "epoch", "loss (nats)")
        tidy(right, "Accuracy on the test images", "epoch", "accuracy")
        right.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
        legend(left)


def _label(name: str) -> str:
    """A folder's name for a legend: no formula, and not passed over for its first character."""
    text = printable(name).replace("$", r"\$")
    return f"./{text}" if text.startswith("_") else text


@contextmanager
def _figure(path: str, size: tuple[float, float], dark: bool) -> Iterator[Figure]:
    """A figure that becomes a PNG file, whole or not at all. No display is needed."""
    import numpy as np

    # Of absurd numbers matplotlib's own arithmetic may overflow, which says nothing to the user.
    with _own_backend(), np.errstate(all="ignore"):
        import matplotlib
        from matplotlib import style
        from matplotlib.figure import Figure

        # The user's own matplotlibrc does not decide how it looks, nor whether it can be drawn.
        with matplotlib.rc_context(), style.context("dark_background" if dark else "default"):
            figure = Figure(figsize=size, layout="constrained")
            drawn = BytesIO()
            try:
                yield figure
                figure.savefig(drawn, format="png", dpi=120)
            except (ValueError, ArithmeticError, RuntimeError) as error:
                # Of numbers near the largest ones no ticks can be computed, say.
                raise Failure(f"{path}: matplotlib cannot draw it: {one_line(error)}") from None
    with replacing(os.fspath(path)) as file:
        file.write(drawn.getbuffer())
