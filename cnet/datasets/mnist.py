"""MNIST, and every data set published in its form: find, fetch, verify, load.

References
----------
Yann LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86 (1998) 2278-2324. http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..atomic_file import replacing
from ..checks import check_flag, check_path, printable
from ..open_files import read_pieces
from .idx import MAX_BYTES as LARGEST
from .idx import read_idx, uncompressed
from .layouts import NAMES, find_files, flat_files
from .npz import read_npz

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["find_mnist", "load_mnist"]

# The digests of each file's content when it is not compressed, because mirrors compress the same
# content to different bytes. MD5 is what has always been published; SHA-256 is what cannot be forged.
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# Each holds the four files under their own names and ".gz"; they are tried in this order.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
    "https://systemds.apache.org/assets/datasets/mnist/",
)

# The largest of the four is 47 MB when inflated; a mirror that sends more is cut off.
MAX_BYTES = 1 << 26


def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Load MNIST, or a data set of the same form, as arrays.

    The data is looked for in `data_home`, in the folder that the environment variable
    ``CNET_DATA`` names, and in the user's cache folder, in this order; the first that holds all of
    it is used (`find_mnist` lists the forms). If none does, MNIST is downloaded into the first
    of the three that is given. Fashion-MNIST, KMNIST and your own files load in the same way: put
    them into a folder and pass it as `data_home`.

    Parameters
    ----------
    normalize : bool, default True
        Pixels as float32 from 0 to 1 (value / 255). Otherwise uint8 from 0 to 255, which a
        network takes as well, in a quarter of the memory.
    flatten : bool, default True
        Each image as one row of H * W pixels. Otherwise as (1, H, W).
    one_hot_label : bool, default False
        Labels as one-hot rows of float32. Otherwise as uint8 class numbers.
    data_home : str or path-like, optional
        The folder to look in first, and to download into (``~`` is the home folder), or an ``.npz``
        file.
    download : bool, default True
        Whether to download what is found nowhere. A download needs pooch
        (``pip install "cnet-nn[data]"``), and its content is checked.

    Returns
    -------
    tuple of tuples of ndarray
        ``(x_train, t_train), (x_test, t_test)``: images of shape (N, H * W) or (N, 1, H, W), and
        labels of shape (N,) or (N, classes), where `classes` is 10, or more if a label is larger
        than 9. MNIST has 60000 images to train with and 10000 to test with, of 28 by 28 pixels.

    Raises
    ------
    FileNotFoundError
        If no folder holds the four files and they were not downloaded. The message names the
        folders and the files, and why each mirror failed.
    TypeError
        If `data_home` is not a path, or one of the others is not True or False.
    ValueError
        If a file is damaged, or the parts do not belong together.

    References
    ----------
    http://yann.lecun.com/exdb/mnist/

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.datasets import load_mnist, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part, count in (("train", 3), ("t10k", 2)):
    ...         images = np.full((count, 4, 4), 255, dtype=np.uint8)
    ...         write_idx(os.path.join(folder, f"{part}-images-idx3-ubyte.gz"), images)
    ...         labels = np.arange(count, dtype=np.uint8)
    ...         write_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte.gz"), labels)
    ...     (x_train, t_train), (x_test, t_test) = load_mnist(data_home=folder)
    >>> x_train.shape, x_train.dtype, x_train.max()
    ((3, 16), dtype('float32'), np.float32(1.0))
    >>> t_train
    array([0, 1, 2], dtype=uint8)
    """
    normalize, flatten = check_flag("normalize", normalize), check_flag("flatten", flatten)
    one_hot_label, download = check_flag("one_hot_label", one_hot_label), check_flag("download", download)
    folder = find_mnist(data_home)
    if folder is None:
        folder = _download(_search_folders(data_home), download)
    (x_train, t_train), (x_test, t_test) = _read_set(folder)
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ValueError(
            f"{printable(str(folder))}: expected the images of both parts to have the same size, given "
            f"{x_train.shape[1:]} to train with and {x_test.shape[1:]} to test with"
        )
    classes = max(10, *(1 + int(t.max(initial=0)) for t in (t_train, t_test)))
    x_train, x_test = (_shaped(x, normalize, flatten) for x in (x_train, x_test))
    if one_hot_label:
        t_train, t_test = (_one_hot(t, classes) for t in (t_train, t_test))
    return (x_train, t_train), (x_test, t_test)


def find_mnist(data_home: str | os.PathLike[str] | None = None) -> Path | None:
    """Find the folder that holds a complete set of MNIST's images and labels.

    It knows the four files ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each with or without ``.gz``, and
    also with a dot before ``idx``: in the folder itself, below it in ``MNIST/raw`` as torchvision
    keeps them, or each in a folder of its own name; and ``mnist.npz`` as Keras has it. Nothing is
    opened and nothing is downloaded.

    Parameters
    ----------
    data_home : str or path-like, optional
        The folder to look in first, or an ``.npz`` file. ``$CNET_DATA`` and the user's cache folder
        come after it.

    Returns
    -------
    pathlib.Path or None
        The first of these in which, or below which, all of it lies; None if there is none.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from cnet.datasets import find_mnist
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "t10k"):
    ...         pathlib.Path(folder, f"{part}-images-idx3-ubyte").touch()
    ...         pathlib.Path(folder, f"{part}-labels-idx1-ubyte.gz").touch()
    ...     find_mnist(folder) == pathlib.Path(folder)
    True
    """
    for folder in _search_folders(data_home):
        if find_files(folder) is not None:
            return folder
    return None


def _search_folders(data_home: str | os.PathLike[str] | None) -> list[Path]:
    """List the folders to look in, in order and without repetition."""
    from pathlib import Path  # takes longer to import than the rest of this package

    if data_home is not None:
        data_home = check_path("data_home", data_home)
    named = [data_home, os.environ.get("CNET_DATA") or None, _cache_folder()]
    folders = [Path(os.path.expanduser(folder)) for folder in named if folder is not None]
    return list(dict.fromkeys(folders))


def _cache_folder() -> str | None:
    """Tell where this platform keeps what a program can fetch again; None without a home."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        folder = os.path.join(local, "cnet", "Cache")
    elif sys.platform == "darwin":
        folder = os.path.join(home, "Library", "Caches", "cnet")
    else:
        # The XDG Base Directory Specification has a relative path ignored.
        xdg = os.environ.get("XDG_CACHE_HOME", "")
        folder = os.path.join(xdg if os.path.isabs(xdg) else os.path.join(home, ".cache"), "cnet")
    return folder if os.path.isabs(folder) else None


def _read_set(folder: Path) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Read images (N, H, W) and labels (N,), to train with and to test with."""
    files = find_files(folder)
    if files is None:
        raise FileNotFoundError(f"{printable(str(folder))}: its files are no longer there")
    if not isinstance(files, dict):
        name = os.fspath(files)
        x_train, t_train, x_test, t_test = read_npz(name, ("x_train", "y_train", "x_test", "y_test"), LARGEST)
        return (
            _checked(x_train, _as_bytes(t_train), f"{name}: x_train", f"{name}: y_train"),
            _checked(x_test, _as_bytes(t_test), f"{name}: x_test", f"{name}: y_test"),
        )
    paths = [os.fspath(files[name]) for name in NAMES]
    x_train, t_train, x_test, t_test = (read_idx(path) for path in paths)
    return _checked(x_train, t_train, *paths[:2]), _checked(x_test, t_test, *paths[2:])


def _checked(
    images: NDArray[Any], labels: NDArray[Any], images_name: str, labels_name: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return images (N, H, W) and their labels (N,), or say what is wrong with them."""
    for name, array, ndim in ((images_name, images, 3), (labels_name, labels, 1)):
        if array.dtype != np.uint8 or array.ndim != ndim:
            raise ValueError(
                f"{printable(name)}: expected a {ndim}-D array of uint8, given {array.dtype} of shape "
                f"{array.shape}"
            )
    if len(images) != len(labels):
        raise ValueError(
            f"{printable(labels_name)}: expected a label for each of the {len(images)} images in "
            f"{printable(os.path.basename(images_name))}, given {len(labels)}"
        )
    return images, labels


def _as_bytes(labels: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers from 0 to 255, of any type, as uint8; anything else as it is."""
    if labels.dtype.kind in "iu" and labels.size and 0 <= labels.min() and labels.max() <= 255:
        return labels.astype(np.uint8)
    return labels


def _shaped(images: NDArray[Any], normalize: bool, flatten: bool) -> NDArray[Any]:
    """Bring images (N, H, W) of uint8 into the type and shape that were asked for."""
    if normalize:
        images = np.divide(images, np.float32(255), dtype=np.float32)
    count, height, width = images.shape
    return images.reshape((count, height * width) if flatten else (count, 1, height, width))


def _one_hot(labels: NDArray[Any], classes: int) -> NDArray[Any]:
    """Turn class numbers (N,) into one-hot rows (N, classes)."""
    rows = np.zeros((len(labels), classes), dtype=np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def _download(folders: list[Path], allowed: bool) -> Path:
    """Download MNIST into the first folder, or say why not and how to go on."""
    if not allowed:
        problems = ["Nothing was downloaded, because of download=False."]
    elif not folders:
        problems = ["Nothing was downloaded, because there is no folder to keep it in."]
    else:
        # A file that is not there is no folder to keep four in.
        home = next((folder for folder in folders if folder.suffix != ".npz"), folders[0])
        problems = _complete(home)
        if not problems:
            return home
    lines = ["MNIST was not found: no folder holds all of its four files. Looked in:"]
    for folder in folders:
        present = ", ".join(path.name for path in flat_files(folder).values())
        state = f"holds only {present}" if present else "holds none of them"
        lines.append(f"  {printable(str(folder))} ({state if os.path.isdir(folder) else 'is not a folder'})")
    if not folders:
        lines.append("  nowhere: there is no data_home, no $CNET_DATA and no home folder")
    lines += problems
    lines.append("Expected in one folder, or in MNIST/raw below it, each with or without .gz:")
    lines += [f"  {name}" for name in NAMES]
    lines.append("or mnist.npz, as Keras has it.")
    lines.append("Put them into one of these folders, or name their folder by data_home=.")
    raise FileNotFoundError("\n".join(lines))


def _complete(folder: Path) -> list[str]:
    """Download the files that a folder lacks; return what went wrong, line by line."""
    try:
        from pooch import HTTPDownloader
    except ImportError:
        return ['Downloading needs pooch: pip install "cnet-nn[data]"']
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = flat_files(folder)
        for name, path in present.items():
            # To complete another data set with MNIST's files would mix the two silently.
            with open(path, "rb") as file:
                _check_content(file, name)
    except (OSError, ValueError) as error:
        return [f"{printable(str(folder))} cannot take the download: {error}"]
    # pooch leaves the answer of a server that refuses, and one that is cut short, open: here each is closed.
    answers: list[Any] = []
    hooks = {"response": lambda answer, *_, **__: answers.append(answer)}
    downloader = HTTPDownloader(progressbar=_progress_bar(), chunk_size=1 << 16, hooks=hooks)
    mirrors = list(MIRRORS)
    for name in NAMES:
        if name in present:
            continue
        problems = []
        for mirror in tuple(mirrors):
            url = f"{mirror}{name}.gz"
            try:
                _fetch(downloader, url, folder / f"{name}.gz", name)
            except (OSError, ValueError) as error:
                problems.append(f"  {url}: {error}")
                # The next file begins with the mirror that worked.
                mirrors.append(mirrors.pop(0))
            else:
                break
            finally:
                while answers:
                    answers.pop().close()
        else:
            return ["Every mirror failed:", *problems]
    return []


def _fetch(downloader: Any, url: str, path: Path, name: str) -> None:
    """Download one file; it appears at `path` when it is complete and has the right content."""
    with replacing(os.fspath(path)) as file:
        downloader(url, _Limited(file), None)
        _check_content(file, name)


def _check_content(file: BinaryIO, name: str) -> None:
    """Compare the MD5 and the SHA-256 of a file's uncompressed content with the known ones."""
    from hashlib import md5, sha256

    digests = md5(usedforsecurity=False), sha256()
    file.seek(0)
    for piece in read_pieces(uncompressed(file), MAX_BYTES):
        for digest in digests:
            digest.update(piece)
    for kind, digest, known in zip(("MD5", "SHA-256"), digests, (MD5, SHA256), strict=True):
        if digest.hexdigest() != known[name]:
            raise ValueError(
                f"not MNIST's {name}: expected uncompressed content of {kind} {known[name]}, given "
                f"{digest.hexdigest()}"
            )


def _progress_bar() -> bool:
    """Tell whether to show progress: tqdm is there, and somebody looks at stderr."""
    from importlib.util import find_spec

    return sys.stderr is not None and sys.stderr.isatty() and find_spec("tqdm") is not None


class _Limited:
    """A file to write to, which refuses to grow beyond `MAX_BYTES`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._room = MAX_BYTES

    def write(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise ValueError(f"expected at most {MAX_BYTES} bytes, and more came")
        self._file.write(data)

    def flush(self) -> None:
        """Leave the bytes in the buffer: they are flushed once, when all of them are there."""
