"""Checkpoint, the callback that saves a network while it is trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .checks import check_count, check_path

if TYPE_CHECKING:
    from .callbacks import EpochInfo
    from .networks import MultiLayerNet

__all__ = ["Checkpoint"]


class Checkpoint:
    """A callback that saves the network while it is trained, with the optimizer's state.

    Parameters
    ----------
    path : str or os.PathLike
        The file, which is replaced whole each time: what it holds can always be loaded. A leading ``~`` is the user's
        home folder.
    every : int, default 1
        Save at the end of every so many epochs, and at the end of the fit.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range. ``fit`` raises an OSError where the file cannot be
        written.

    Examples
    --------
    >>> import cnet, os, tempfile
    >>> x, t = cnet.datasets.make_digits(200, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.safetensors")
    ...     history = net.fit(x, t, epochs=3, callback=cnet.Checkpoint(path))
    ...     cnet.load(path).iterations == net.iterations
    True
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        self.path = check_path("path", path)
        self.every = check_count("every", every)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r}, every={self.every})"

    def __call__(self, info: EpochInfo) -> None:
        """Save the network, if it is this epoch's turn.

        Parameters
        ----------
        info : EpochInfo
        """
        if info.epoch % self.every == 0:
            info.network.save(self.path, optimizer_state=True)

    def end(self, network: MultiLayerNet) -> None:
        """Save the network as the fit leaves it; ``fit`` calls it after the last iteration.

        Parameters
        ----------
        network : MultiLayerNet
            The network that was trained.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import cnet, os, tempfile
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.safetensors")
        ...     cnet.Checkpoint(path).end(net)
        ...     cnet.load(path).sizes
        (784, 10, 10)
        """
        network.save(self.path, optimizer_state=True)
