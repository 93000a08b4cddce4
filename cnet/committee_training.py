"""Training a committee: one network after the other, or by an executor's workers, each kept when it is finished."""

from __future__ import annotations

import errno
import inspect
import json
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .atomic_file import replacing
from .checks import check_path, excerpt
from .committee_checks import check_preprocessing
from .core._arrays import real_array
from .guarded_json import parse_json
from .networks import MultiLayerNet, load
from .open_files import open_regular, read_pieces
from .options import FitOptions, check_options
from .preprocess import Normalize
from .rng import as_key
from .training import progress_bar

__all__ = ["Training", "check_before_fit", "seed_of", "train_one"]

RECORD = "committee.json"
FORMAT = 1
# What is in a record beside the format.
FIELDS = ("key", "network", "parameters", "data", "fit", "preprocessing")
LARGEST_RECORD = 1 << 20
# The longest list that a record shows; of longer ones, weights of samples, it has the checksum.
MOST_SHOWN = 100
# Arguments of fit that change no bit of a network, or that train has itself.
NOT_RECORDED = ("callback", "n_threads")
NOT_OPTIONS = ("self", "x", "t", "rng", "progress")


def seed_of(key: int, i: int) -> int:
    """The seed of network i, whatever the number of networks."""
    return int(np.random.SeedSequence([key, i]).generate_state(1, np.uint64)[0])


def check_before_fit(net: MultiLayerNet, options: dict[str, Any]) -> None:
    """Raise for arguments of ``fit`` that do not go with a network, as far as they can be checked without the data."""
    known = {name: value for name, value in options.items()
             if name in FitOptions.__dataclass_fields__ or name in ("callback", "validation_data")}
    check_options(n_hidden=len(net.sizes) - 2, loss=net.loss_function, **known)


def train_one(
    net: MultiLayerNet, x: npt.ArrayLike, t: npt.ArrayLike, prepare: Normalize | None, options: dict[str, Any]
) -> MultiLayerNet:
    """Train one network, here or in another process; the optimizer's state is not kept."""
    if prepare is not None:
        x = prepare(x)
        validation = options.get("validation_data")
        # What is no pair is refused by fit.
        if isinstance(validation, tuple | list) and len(validation) == 2:
            options = {**options, "validation_data": (prepare(validation[0]), validation[1])}
    net.fit(x, t, **options)
    net.reset_optimizer()
    return net


class Training:
    """What one call of ``Committee.train`` does.

    Parameters
    ----------
    make_network, x, t, n, executor, folder, rng, preprocessing, progress
        As ``Committee.train`` takes them; `n` is checked.
    options : dict
        Of ``fit``.
    """

    def __init__(
        self, make_network: Callable[..., MultiLayerNet], x: npt.ArrayLike, t: npt.ArrayLike, n: int, *,
        executor: Executor | None, folder: Any, rng: Any, preprocessing: Any, progress: bool, options: dict[str, Any],
    ) -> None:
        if not callable(make_network):
            raise TypeError(f"make_network must be callable, got {excerpt(make_network)}")
        if isinstance(executor, type) or not (executor is None or callable(getattr(executor, "submit", None))):
            raise TypeError(f"executor must be None or a concurrent.futures.Executor, got {excerpt(executor)}")
        self.make_network, self.x, self.t, self.n, self.executor = make_network, x, t, n, executor
        self.folder = None if folder is None else check_path("folder", folder)
        self.options = _check_names(options)
        if executor is not None and self.options.get("n_threads") is None:
            self.options["n_threads"] = 1
        record = None if self.folder is None else _read_record(self.folder)
        self.key = record["key"] if record is not None and rng is None else as_key(rng)
        self.first = self.new_network(0)
        self.check_first()
        ways = _in_turn(preprocessing)
        self.preprocessing = check_preprocessing([ways[i % len(ways)] for i in range(n)], n, self.first.sizes[0])
        self.networks: dict[int, MultiLayerNet] = {}
        self.bar = progress_bar(progress)
        if self.folder is not None:
            self.open_folder(self.folder, record, ways)

    def new_network(self, i: int) -> MultiLayerNet:
        """Network number i as it is before training."""
        net = self.make_network(rng=seed_of(self.key, i))
        if not isinstance(net, MultiLayerNet):
            raise TypeError(f"make_network(rng=...) must return a MultiLayerNet or a TwoLayerNet, got {excerpt(net)}")
        return net

    def check_first(self) -> None:
        """Raise for a network that is not made anew by its seed alone, and for options that do not go with it."""
        if self.new_network(0).seed != self.first.seed:
            raise ValueError("make_network must make the same network for the same rng: hand rng on, as in "
                             "lambda rng: cnet.TwoLayerNet(784, 50, 10, rng=rng)")
        check_before_fit(self.first, self.options)

    def check_new(self, i: int, net: MultiLayerNet) -> None:
        """Raise for a network that does not go with the first one, or is the same."""
        sizes, first = net.sizes, self.first.sizes
        fits = (sizes[0], sizes[-1], net.loss_function) == (first[0], first[-1], self.first.loss_function)
        if not fits:
            raise ValueError(f"make_network must make networks that fit together: network {i} is {net!r}, network 0 "
                             f"{self.first!r}")
        if i and net.seed == self.first.seed:
            raise ValueError(f"make_network must make networks of different seeds, but networks 0 and {i} have the "
                             "same: hand rng on, as in lambda rng: cnet.TwoLayerNet(784, 50, 10, rng=rng)")

    def run(self) -> list[MultiLayerNet]:
        """Train what is not finished yet.

        Whatever ends it early, finished networks are in the folder, and a note of the error says how many.
        """
        missing = [i for i in range(self.n) if i not in self.networks]
        try:
            if self.bar is not None:
                self.bar.reset(total=self.n)
                self.bar.update(len(self.networks))
            if self.executor is None:
                for i in missing:
                    self.train_here(i)
            else:
                self.train_there(self.executor, missing)
        except BaseException as error:
            error.add_note(self.told())
            raise
        finally:
            if self.bar is not None:
                self.bar.close()
        return [self.networks[i] for i in range(self.n)]

    def told(self) -> str:
        """How much is finished, and where it is."""
        done = f"Committee.train: {len(self.networks)} of {self.n} networks are finished"
        if self.folder is None:
            return f"{done}, and lost, because no folder was given"
        return f"{done}, in {self.folder}; the same call goes on with the others"

    def arguments(self, i: int) -> tuple[Any, ...]:
        """What `train_one` takes, for network i."""
        net = self.new_network(i)
        self.check_new(i, net)
        return net, self.x, self.t, self.preprocessing[i], self.options

    def train_here(self, i: int) -> None:
        """Train network i in this thread."""
        arguments = self.arguments(i)
        with _named(i, self.n):
            net = train_one(*arguments)
        self.finish(i, net)

    def train_there(self, executor: Executor, missing: list[int]) -> None:
        """Train networks by the workers of an executor, and keep each as it comes."""
        futures: dict[Future[MultiLayerNet], int] = {}
        try:
            with warnings.catch_warnings():
                # Dask's: each worker needs the data.
                warnings.filterwarnings("ignore", "Sending large graph")
                for i in missing:
                    futures[executor.submit(train_one, *self.arguments(i))] = i
            for future in as_completed(list(futures)):
                i = futures.pop(future)
                with _named(i, self.n):
                    net = future.result()
                self.finish(i, net)
        except BaseException as error:
            for future in futures:
                future.cancel()
            # What is being trained is worth waiting for, unless somebody wants to go.
            is_patient = isinstance(error, Exception)
            self.keep(futures, as_completed(futures) if is_patient else [each for each in futures if each.done()])
            raise

    def keep(self, numbers: dict[Future[MultiLayerNet], int], ended: Iterable[Future[MultiLayerNet]]) -> None:
        """Keep networks that workers have finished beside one that failed; that others fail too is no news."""
        for future in ended:
            if not future.cancelled() and future.exception() is None:
                self.finish(numbers[future], future.result())

    def finish(self, i: int, net: MultiLayerNet) -> None:
        """Keep a trained network."""
        if self.folder is not None:
            net.save(_path_of(self.folder, i))
        self.networks[i] = net
        if self.bar is not None:
            self.bar.update(1)

    def open_folder(self, folder: str, record: dict[str, Any] | None, ways: Sequence[Normalize | None]) -> None:
        """Read what an earlier call has finished, or begin a new record."""
        told = {
            "key": self.key, "network": repr(self.first), "parameters": _checksum(*self.first.params.values()),
            "data": _checksum(self.x, self.t), "preprocessing": list(map(repr, ways)),
            "fit": {name: _told(value) for name, value in self.options.items() if name not in NOT_RECORDED},
        }
        if record is None:
            os.makedirs(folder, exist_ok=True)
            with replacing(os.path.join(folder, RECORD)) as file:
                file.write(json.dumps({"cnet_committee": FORMAT, **told}, indent=2).encode() + b"\n")
            return
        for name in FIELDS:
            if record[name] != told[name]:
                raise ValueError(f"{folder} holds a committee of another training: {_difference(record, told, name)}; "
                                 "choose another folder")
        for i in range(self.n):
            path = _path_of(folder, i)
            if os.path.exists(path):
                self.networks[i] = self.finished(i, path)
        if len(self.networks) < self.n and not os.access(folder, os.W_OK):
            # Before a network is trained, not after.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)

    def finished(self, i: int, path: str) -> MultiLayerNet:
        """A network of an earlier call."""
        try:
            net = load(path)
        except ValueError as error:
            error.add_note(f"network {i} of the committee is trained again once the file is removed")
            raise
        expected = self.new_network(i)
        self.check_new(i, expected)
        kind = type(expected)
        if isinstance(net, MultiLayerNet) and type(net) is not kind and net._KIND == kind._KIND:
            # A file does not know of subclasses.
            net = kind.load(path)
        if not isinstance(net, MultiLayerNet) or (repr(net), net.seed) != (repr(expected), expected.seed):
            seed = f" with the seed {net.seed}" if isinstance(net, MultiLayerNet) else ""
            raise ValueError(f"{path} is not network {i} of this training: {excerpt(net, 200)}{seed}, expected "
                             f"{expected!r} with the seed {expected.seed}; remove it, and it is trained again")
        return net


@contextmanager
def _named(i: int, n: int) -> Iterator[None]:
    """A block whose error gets a note of the network that it came from."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Committee.train: this ended the training of network {i} (of 0 to {n - 1})")
        raise


def _check_names(options: dict[str, Any]) -> dict[str, Any]:
    known = [name for name in inspect.signature(MultiLayerNet.fit).parameters if name not in NOT_OPTIONS]
    for name in options:
        if name not in known:
            raise TypeError(f"Committee.train() got an unexpected keyword argument {name!r}; it takes those of fit: "
                            f"{', '.join(known)}")
    return dict(options)


def _in_turn(preprocessing: Any) -> Sequence[Any]:
    """What networks take in turn."""
    if preprocessing is None or not isinstance(preprocessing, Iterable) or isinstance(preprocessing, str):
        return [preprocessing]
    ways = list(preprocessing)
    if not ways:
        raise ValueError("preprocessing must hold at least one cnet.preprocess.Normalize or None, got none")
    return ways


def _path_of(folder: str, i: int) -> str:
    return os.path.join(folder, f"network-{i:03d}.safetensors")


def _read_record(folder: str) -> dict[str, Any] | None:
    """What an earlier call has written about its training; None if there was none."""
    path = os.path.join(folder, RECORD)
    if not os.path.exists(path):
        return None
    if not os.path.isfile(path):
        raise ValueError(f"{path} is not a file; choose another folder")
    with open_regular(path) as file:
        text = b"".join(read_pieces(file, LARGEST_RECORD + 1))
    try:
        tree = parse_json(text, max_bytes=LARGEST_RECORD, max_depth=3)
        if not isinstance(tree, dict) or tree.pop("cnet_committee", None) != FORMAT or set(tree) != set(FIELDS):
            raise ValueError(f"it must hold {', '.join(FIELDS)}, in format {FORMAT}")
        if type(tree["key"]) is not int or not 0 <= tree["key"] < 2**64:
            raise ValueError("key must be a whole number below 2**64")
    except ValueError as error:
        raise ValueError(f"{path} is damaged, or not of this version of cnet: {error}") from None
    return tree


def _difference(record: dict[str, Any], told: dict[str, Any], name: str) -> str:
    """What is different, in words."""
    was, now = record[name], told[name]
    if name == "fit" and isinstance(was, dict):
        name = next(each for each in {**was, **now} if was.get(each) != now.get(each))
        was, now = was.get(name, "the default"), now.get(name, "the default")
    return f"{name} was {excerpt(was, 100)}, and is now {excerpt(now, 100)}"


def _told(value: Any) -> str:
    """A value of an option as text that is the same in another process."""
    # Of arrays and data frames, a repr shows the first and the last values alone.
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        return _checksum(value)
    if isinstance(value, list | tuple):
        if len(value) > MOST_SHOWN:
            return _checksum(value)
        return f"[{', '.join(map(_told, value))}]"
    text = repr(value)
    # Of a function, and of an object of no repr of its own, only the name is the same next time.
    return getattr(value, "__qualname__", type(value).__qualname__) if " at 0x" in text else text


def _checksum(*arrays: npt.ArrayLike) -> str:
    """Type, shape and CRC-32 of arrays."""
    read = [np.ascontiguousarray(real_array(each, "x and t")) for each in arrays]
    return ", ".join(f"{each.dtype.str}{each.shape} {zlib.crc32(each.data):08x}" for each in read)
