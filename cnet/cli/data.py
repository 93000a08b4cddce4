"""The images that a command works with, by what was given as ``--data``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .console import Failure, warn
from .preprocessing import own_way

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..committee import Committee
    from ..networks import MultiLayerNet
    from .settings import Settings

__all__ = ["Data", "check_classifies", "check_fit", "data_for", "load_data", "load_own_data"]

DRAWN = {"train": (60_000, 1), "test": (10_000, 2)}


@dataclass(frozen=True)
class Data:
    """Images and labels, and where they come from.

    Attributes
    ----------
    source : str
        "drawn", "mnist" or a folder.
    description : str
        For people.
    train, test : (x, t)
        Rows of uint8 pixels (N, I), and class numbers (N,).
    """

    source: str
    description: str
    train: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    test: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

    @property
    def n_inputs(self) -> int:
        """The number of pixels in an image."""
        return int(self.train[0].shape[1])

    @property
    def n_classes(self) -> int:
        """10, or more if there is a label above 9."""
        return max(10, *(1 + int(t.max(initial=0)) for _, t in (self.train, self.test)))

    def prepared(self, preprocessing: str | None) -> Data:
        """The same with all images preprocessed in one way (see `preprocessing.own_way`), or these for None."""
        prepare = own_way(preprocessing)
        if prepare is None:
            return self
        (x, t), (x_test, t_test) = self.train, self.test
        return replace(self, train=(prepare(x), t), test=(prepare(x_test), t_test))

    def checksum(self) -> int:
        """The CRC-32 of the training images, by which a resumed run recognises its data."""
        from zlib import crc32

        x, t = self.train
        return crc32(t.data, crc32(x.data))


def load_data(source: str) -> Data:
    """Draw, find, download or read what ``--data`` asks for.

    Parameters
    ----------
    source : str
        "drawn", "mnist", a folder of IDX files or an ``.npz`` file.

    Returns
    -------
    Data

    Raises
    ------
    Failure
        If it is not there.
    OSError, ValueError
        If a file cannot be read, or is damaged.
    """
    if source == "drawn":
        return _drawn()
    if source == "mnist":
        return _mnist()
    return _folder(source)


def load_own_data(folder: str, settings: Settings, *, strict: bool = False) -> Data:
    """The images of a run, from where they were when it began.

    Parameters
    ----------
    folder : str
        Of the run.
    settings : Settings
    strict : bool
        Other images than the run was trained with are a failure, not a warning.

    Returns
    -------
    Data

    Raises
    ------
    Failure
        If they are not there any more, or, with `strict`, have changed.
    OSError, ValueError
        If a file cannot be read, or is damaged.
    """
    try:
        data = load_data(settings.data)
    except Failure as failure:
        raise Failure(
            f"{failure}; there the run in {folder} had its images, --data can name another place", failure.status
        ) from None
    if data.checksum() != settings.checksum:
        message = f"--data {data.source}: these are not the images that the run in {folder} was trained with"
        if strict:
            raise Failure(message)
        warn(message)
    return data


def data_for(model: str, source: str | None) -> Data:
    """The images to test a model with: those asked for, or those of its run, or drawn ones."""
    from .run_folder import read_settings, run_of

    if source is not None:
        return load_data(source)
    folder = run_of(model)
    return load_data("drawn") if folder is None else load_own_data(folder, read_settings(folder))


def check_fit(model: str, net: MultiLayerNet | Committee, data: Data) -> None:
    """Raise a Failure if a network does not classify, or does not take these images and labels."""
    check_classifies(model, net)
    sizes = net.sizes
    if data.n_inputs != sizes[0]:
        raise Failure(
            f"{model} reads images of {sizes[0]} pixels, those of {data.source} have {data.n_inputs}"
        )
    highest = max(int(t.max(initial=0)) for _, t in (data.train, data.test))
    if highest >= sizes[-1]:
        raise Failure(f"{model} knows {sizes[-1]} classes, {data.source} has a label {highest}")


def check_classifies(model: str, net: MultiLayerNet | Committee) -> None:
    """Raise a Failure if a network's outputs are not the probabilities of classes."""
    loss = net.loss_function
    if loss.name != "cross_entropy":
        raise Failure(
            f"{model} has the loss {loss.name}, so that its outputs are not the probabilities of classes; this command "
            "needs a network with the loss cross_entropy (net.evaluate and net.predict work with every network)"
        )


def _drawn() -> Data:
    from ..datasets import make_digits

    train, test = (make_digits(n, rng=seed) for n, seed in DRAWN.values())
    return _described("drawn", "digits drawn by cnet", train, test)


def _mnist() -> Data:
    from ..datasets import find_mnist, load_mnist

    try:
        train, test = load_mnist(normalize=False)
    except FileNotFoundError as error:
        raise Failure(_not_found(error)) from None
    return _described("mnist", f"MNIST, from {find_mnist()}", train, test)


def _folder(source: str) -> Data:
    from pathlib import Path

    from ..datasets import find_mnist, load_mnist

    folder = Path(os.path.expanduser(source))
    if not folder.is_dir() and not (folder.suffix == ".npz" and folder.is_file()):
        missing = "there is no such file" if folder.suffix == ".npz" else "there is no such folder"
        kind = "is neither a folder nor an .npz file" if folder.exists() else missing
        raise Failure(f'--data {source}: {kind} (expected "drawn", "mnist", a folder of IDX files or an .npz file)')
    # Elsewhere is not where the user said.
    found = find_mnist(folder)
    if found is None or (found != folder and folder not in found.parents):
        raise Failure(
            f"--data {source}: the folder lacks some of train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (each with or without .gz)"
        )
    train, test = load_mnist(normalize=False, data_home=folder, download=False)
    for part, (x, _) in (("train", train), ("t10k", test)):
        if not x.size:
            raise Failure(f"--data {source}: its {part} files hold no images")
    return _described(source, f"{'arrays' if folder.is_file() else 'IDX files'} in {source}", train, test)


def _described(source: str, what: str, train: Any, test: Any) -> Data:
    description = f"{what}: {len(train[1]):,} to train with, {len(test[1]):,} to test with"
    return Data(source, description, train, test)


def _not_found(error: FileNotFoundError) -> str:
    """Why there is no MNIST, on one line; the error itself lists folders, files and mirrors."""
    text = str(error)
    if "Downloading needs pooch" in text:
        why = 'downloading it needs pooch (pip install "cnet-nn[cli]")'
    elif "Every mirror failed" in text:
        why = "no mirror could be reached"
    else:
        reasons = [line for line in text.splitlines() if "cannot take the download" in line]
        why = reasons[0] if reasons else "there is no folder to keep it in"
    return (
        f"MNIST is not on this machine, and {why}; put its four IDX files into a folder and name it by "
        "--data FOLDER, or train on drawn digits with --data drawn"
    )
