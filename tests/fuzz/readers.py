"""Every reader of files: valid files to begin with, damage that gets past checksums, and what must hold.

A reader either gives a result that works or raises what it documents; `Reader.read` raises
`AssertionError` for a result that does not work, and lets every other error through.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mutations import VALUES, mutate, mutate_text, mutate_tree

import cnet


class Reader:
    """One reader; `allowed` are the errors that it documents."""

    allowed: tuple[type[BaseException], ...] = (OSError, ValueError)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seeds = self.make_seeds()

    def make_seeds(self) -> list[bytes]:
        raise NotImplementedError

    def intact(self) -> Iterator[bytes]:
        """Files that are read as they are."""
        yield from self.seeds

    def damaged(self, rng: random.Random) -> bytes:
        """A file of this kind, damaged."""
        return mutate(rng, rng.choice(self.seeds), self.seeds)

    def read(self, data: bytes) -> None:
        raise NotImplementedError

    def put(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


def works(net: cnet.MultiLayerNet) -> None:
    """The network computes: what it holds is what its sizes say."""
    x = np.zeros((3, net.sizes[0]))
    assert net.predict(x).shape == (3, net.sizes[-1])
    shapes = {}
    for layer in range(1, len(net.sizes)):
        shapes |= {f"W{layer}": net.sizes[layer - 1 : layer + 1], f"b{layer}": net.sizes[layer : layer + 1]}
    assert {name: array.shape for name, array in net.params.items()} == shapes
    if all(np.isfinite(array).all() for array in net.params.values()):
        state = net._core.optimizer_state
        t = [0] * 3 if net.loss_function.smooths_labels and net.sizes[-1] > 1 else np.zeros((3, net.sizes[-1]))
        if net.loss_function == cnet.losses.BinaryCrossEntropy() or net.sizes[-1] == 1:
            t = np.ones((3, net.sizes[-1]))
        # Finite parameters may still be so large that their loss is not.
        with contextlib.suppress(cnet.DivergenceError):
            net.fit(x, t, iterations=1, learning_rate=1e-9, n_threads=1, optimizer=state.name if state else "sgd")


def sealed(image: bytes) -> bytes:
    """A model file with a right length and a right checksum, from the format's description."""
    begin = image.find(b'{"__metadata__"')
    end = image.rfind(b"}}")
    if begin < 0 or end < 0:
        return image
    rest = image[begin:]
    length = struct.unpack("<Q", image[:8].ljust(8, b"\0"))[0] if begin == 8 else end + 2 - begin
    if not 0 < length <= len(rest):
        length = end + 2 - begin
    image = struct.pack("<Q", length) + rest
    at = image.find(b'"cnet_checksum":"') + 17
    image = image[:at] + b"0" * 64 + image[at + 64 :]
    return image[:at] + hashlib.sha256(image).hexdigest().encode() + image[at + 64 :]


def resealed(tree: dict, data: bytes) -> bytes:
    """A model file with this header, the checksum in front and right."""
    metadata = tree.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        metadata = {"other": metadata}
    header = json.dumps({"__metadata__": {"cnet_checksum": "0" * 64, **metadata}, **tree}, separators=(",", ":"))
    text = header.replace(str(metadata.get("cnet_checksum")), "0" * 64).encode()
    return sealed(struct.pack("<Q", len(text)) + text + data)


def damaged_model(rng: random.Random, image: bytes, others: list[bytes]) -> bytes:
    """Damage to a model file: anywhere, or in its header alone, with everything else put right."""
    if rng.random() < 0.3:
        image = mutate(rng, image, others)
        return sealed(image) if rng.random() < 0.5 else image
    length = struct.unpack("<Q", image[:8])[0]
    header, data = image[8 : 8 + length].rstrip(), image[8 + length :]
    if rng.random() < 0.4:
        # What comes after the format itself: the texts that describe a network.
        tree = json.loads(header)
        texts = tree["__metadata__"]
        key = rng.choice([name for name in texts if name != "cnet_checksum"])
        texts[key] = mutate_text(rng, texts[key]) if rng.random() < 0.5 else str(rng.choice(VALUES))
        return resealed(tree, data)
    if rng.random() < 0.8:
        return resealed(mutate_tree(rng, json.loads(header)), data)
    begin = header.index(b'"', 34 + 64)
    header = header[: begin + 1] + mutate(rng, header[begin + 1 :], [header])
    header += b" " * (-len(header) % 8)
    return sealed(struct.pack("<Q", len(header)) + header + data)


class Model(Reader):
    def make_seeds(self) -> list[bytes]:
        seeds = []
        for sizes, activation, dtype in (((4, 3, 2), "relu", "float32"), ((2, 1, 5), "tanh", "float64")):
            file = io.BytesIO()
            net = cnet.TwoLayerNet(*sizes, activation=activation, dtype=dtype, rng=0)
            net.fit(np.full((2, sizes[0]), 7, np.uint8), [0, 1], epochs=1)
            net.save(file)
            seeds.append(file.getvalue())
        for hidden, loss, optimizer in (((3, 2), cnet.losses.Huber(0.5), "adam"), ((), "cross_entropy", "momentum")):
            file = io.BytesIO()
            net = cnet.MultiLayerNet(4, hidden, 2, loss=loss, weight_decay_lambda=0.1, rng=0)
            net.fit(np.full((2, 4), 7, np.uint8), np.eye(2), epochs=1, optimizer=optimizer)
            net.save(file, optimizer_state=True)
            seeds.append(file.getvalue())
        file = io.BytesIO()
        ways = [None, cnet.preprocess.Normalize(width=2)]
        cnet.Committee([cnet.TwoLayerNet(4, 3, 2, rng=0), cnet.MultiLayerNet(4, [2, 2], 2, rng=1)], ways).save(file)
        seeds.append(file.getvalue())
        return seeds

    def damaged(self, rng: random.Random) -> bytes:
        return damaged_model(rng, rng.choice(self.seeds), self.seeds)

    def read(self, data: bytes) -> None:
        from cnet.model_file import read_model

        path = self.put("model.safetensors", data)
        try:
            tensors, metadata = read_model(path)
        except ValueError:
            for load in (read_model, cnet.load):
                with contextlib.suppress(ValueError):
                    load(io.BytesIO(data))
                    raise AssertionError("an open file is read that is refused by its path") from None
            raise
        assert all(type(text) is str for pair in metadata.items() for text in pair)
        assert all(array.dtype in ("f4", "f8") and array.flags.c_contiguous for array in tensors.values())
        net = cnet.load(path)
        if isinstance(net, cnet.Committee):
            self.works_together(net)
            return
        works(net)
        file = io.BytesIO()
        net = cnet.load(io.BytesIO(data))
        net.save(file, optimizer_state=True)
        file.seek(0)
        again = cnet.load(file)
        assert type(again) is type(net) and again.seed == net.seed and again.sizes == net.sizes
        state = net._core.optimizer_state
        assert (again._core.optimizer_state is None) is (state is None or not state.arrays)

    def works_together(self, committee: cnet.Committee) -> None:
        """All networks compute, together too, and are written as they were read."""
        for net in committee.networks:
            works(net)
        assert committee.predict(np.zeros((3, committee.sizes[0]))).shape == (3, committee.sizes[1])
        file = io.BytesIO()
        committee.save(file)
        file.seek(0)
        again = cnet.load(file)
        assert (len(again), again.preprocessing) == (len(committee), committee.preprocessing)


class Run(Reader):
    """What two readers of a run's folder share: a run of two epochs, made by the command itself."""

    def __init__(self, folder: Path) -> None:
        from cnet.cli.console import Failure

        self.allowed = (OSError, ValueError, Failure)
        super().__init__(folder)

    def make_seeds(self) -> list[bytes]:
        from cnet.cli import main

        rng = np.random.default_rng(0)
        data = self.folder / "data"
        data.mkdir()
        for part in ("train", "t10k"):
            cnet.datasets.write_idx(data / f"{part}-images-idx3-ubyte", rng.integers(0, 256, (9, 3, 3), np.uint8))
            cnet.datasets.write_idx(data / f"{part}-labels-idx1-ubyte", np.arange(9, dtype=np.uint8))
        run = self.folder / "finished"
        sys.modules["matplotlib"] = None  # a picture takes longer than all the rest
        with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(told):
            status = main(["train", "--data", str(data), "--out", str(run), "--hidden", "2", "--epochs", "2",
                           "--batch-size", "3"])
        assert status == 0, told.getvalue()
        return [(run / self.name).read_bytes()]

    name = ""

    def works(self, record) -> None:
        from cnet.cli.console import to_json

        history = record.history()
        assert len(history.loss) == record.iterations
        json.loads(to_json(record.summary()))


class Checkpoint(Run):
    name = "checkpoint.safetensors"

    def damaged(self, rng: random.Random) -> bytes:
        from cnet.model_file import read_model, write_model

        (seed,) = self.seeds
        if rng.random() < 0.3:
            return damaged_model(rng, seed, self.seeds)
        tensors, metadata = read_model(io.BytesIO(seed))
        for _ in range(rng.choice((1, 1, 2))):
            if rng.random() < 0.7:
                key = rng.choice(sorted(metadata))
                if rng.random() < 0.3:
                    metadata[key] = mutate_text(rng, metadata[key])
                with contextlib.suppress(ValueError):
                    metadata[key] = json.dumps(mutate_tree(rng, [json.loads(metadata[key])])[:1])[1:-1]
            else:
                key = rng.choice(sorted(tensors))
                shape = [rng.choice((0, 1, 2, 3, 9, 100)) for _ in range(rng.randint(0, 3))]
                value = rng.choice((0, 1.5, -1, np.nan, np.inf, 1e300))
                tensors[key] = np.full(shape, value, rng.choice((np.float32, np.float64)))
        file = io.BytesIO()
        write_model(file, tensors, metadata)
        return file.getvalue()

    def read(self, data: bytes) -> None:
        from cnet.cli.run_folder import load_model, read_checkpoint, read_record

        self.put(self.name, data)
        folder = str(self.folder)
        net, record = read_checkpoint(folder)
        works(net)
        works(load_model(folder))
        self.works(record)
        self.works(read_record(folder))


class History(Run):
    name = "history.json"

    def damaged(self, rng: random.Random) -> bytes:
        if rng.random() < 0.3:
            return super().damaged(rng)
        return json.dumps(mutate_tree(rng, json.loads(self.seeds[0]))).encode()

    def read(self, data: bytes) -> None:
        from cnet.cli.run_folder import read_record

        self.put(self.name, data)
        self.works(read_record(str(self.folder)))


def idx_bytes(type_byte: int, letter: str, shape: tuple[int, ...]) -> bytes:
    values = range(int(np.prod(shape)))
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, type_byte, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


class Idx(Reader):
    def make_seeds(self) -> list[bytes]:
        plain = [idx_bytes(8, "B", (3, 4, 5)), idx_bytes(0x0B, "h", (7,)), idx_bytes(0x0E, "d", (2, 0, 3)),
                 idx_bytes(0x0D, "f", ())]
        return [*plain, *(gzip.compress(data, mtime=0) for data in plain)]

    def damaged(self, rng: random.Random) -> bytes:
        seed = rng.choice(self.seeds)
        if seed[:2] == b"\x1f\x8b" and rng.random() < 0.6:
            return gzip.compress(mutate(rng, gzip.decompress(seed), self.seeds), mtime=0)
        return mutate(rng, seed, self.seeds)

    def read(self, data: bytes) -> None:
        path = self.put("some.idx", data)
        array = cnet.datasets.read_idx(path)
        assert array.flags.c_contiguous and array.dtype.isnative
        assert array.nbytes <= len(data) * 1032
        again = cnet.datasets.read_idx(io.BytesIO(data))
        assert again.shape == array.shape and again.tobytes() == array.tobytes()


NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


class Mnist(Reader):
    """A folder of which one file is damaged, flat or as torchvision has it."""

    def make_seeds(self) -> list[bytes]:
        self.files = [idx_bytes(8, "B", shape) for shape in ((3, 2, 4), (3,), (2, 2, 4), (2,))]
        for root in ("flat", "torchvision/MNIST/raw"):
            (self.folder / root).mkdir(parents=True)
            for name, data in zip(NAMES, self.files, strict=True):
                self.put(f"{root}/{name}", data)
        return self.files

    def intact(self) -> Iterator[bytes]:
        for which, data in enumerate(self.files):
            self.which = which
            yield data

    def damaged(self, rng: random.Random) -> bytes:
        self.which = rng.randrange(4)
        data = mutate(rng, self.files[self.which], self.files)
        return gzip.compress(data, mtime=0) if rng.random() < 0.3 else data

    def read(self, data: bytes) -> None:
        which = getattr(self, "which", 0)
        for root, below in (("flat", ""), ("torchvision", "MNIST/raw/")):
            path = f"{root}/{below}{NAMES[which]}"
            self.put(path, data)
            try:
                for normalize in (True, False):
                    parts = cnet.datasets.load_mnist(
                        normalize=normalize, one_hot_label=normalize, data_home=self.folder / root, download=False
                    )
                    for x, t in parts:
                        assert len(x) == len(t) and x.ndim == 2
            finally:
                self.put(path, self.files[which])


class Npz(Reader):
    def make_seeds(self) -> list[bytes]:
        arrays = {
            "x_train": np.arange(24, dtype=np.uint8).reshape(3, 2, 4), "y_train": np.arange(3, dtype=np.uint8),
            "x_test": np.arange(16, dtype=np.uint8).reshape(2, 2, 4), "y_test": np.arange(2),
        }
        seeds = []
        for save in (np.savez, np.savez_compressed):
            file = io.BytesIO()
            save(file, **arrays)
            seeds.append(file.getvalue())
        return seeds

    def damaged(self, rng: random.Random) -> bytes:
        seed = rng.choice(self.seeds)
        if rng.random() < 0.4:
            return mutate(rng, seed, self.seeds)
        # A member is damaged and packed anew, so that its checksum is right.
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(seed)) as old, zipfile.ZipFile(file, "w") as new:
            names = old.namelist()
            which = rng.choice(names)
            for name in names:
                data = old.read(name)
                method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                new.writestr(name, mutate(rng, data, [data]) if name == which else data, method)
        return file.getvalue()

    def read(self, data: bytes) -> None:
        path = self.put("mnist.npz", data)
        for x, t in cnet.datasets.load_mnist(data_home=path, download=False):
            assert len(x) == len(t) and x.ndim == 2 and x.dtype == np.float32 and t.dtype == np.uint8


def png_repaired(data: bytes) -> bytes:
    """Put the lengths' checksums of a PNG's chunks right."""
    result, position = bytearray(data[:8]), 8
    while position + 12 <= len(data):
        length = struct.unpack(">I", data[position : position + 4])[0]
        if position + 12 + length > len(data):
            break
        body = data[position + 4 : position + 8 + length]
        result += data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return bytes(result) + data[position:]


class Onnx(Reader):
    """Damage to the bytes, or to the graph, which is then written anew."""

    def make_seeds(self) -> list[bytes]:
        seeds = []
        for opset, activation, loss, dtype in (
            (17, "gelu", "cross_entropy", "float32"), (20, "gelu", "huber", "float32"),
            (9, "elu", "binary_cross_entropy", "float64"), (17, "silu", "poisson", "float64"),
        ):
            net = cnet.MultiLayerNet(4, [3, 2], 2, activation, loss=loss, rng=0)
            path = self.put("seed.onnx", b"")
            cnet.export.onnx(net, path, opset=opset, dtype=dtype, pixels=opset == 9)
            seeds.append(Path(path).read_bytes())
        return seeds

    def damaged(self, rng: random.Random) -> bytes:
        seed = rng.choice(self.seeds)
        if rng.random() < 0.5:
            return mutate(rng, seed, self.seeds)
        import onnx

        model = onnx.ModelProto.FromString(seed)
        graph = model.graph
        for _ in range(rng.randint(1, 3)):
            node, tensor = rng.choice(graph.node), rng.choice(graph.initializer)
            names = [each.name for each in graph.initializer] + [name for each in graph.node for name in each.output]
            what = rng.randrange(8)
            if what == 0 and node.input:
                node.input[rng.randrange(len(node.input))] = rng.choice([*names, "x", "", "missing"])
            elif what == 1:
                kinds = [each.op_type for each in graph.node]
                node.op_type = rng.choice([*kinds, "Conv", "Identity", "", "Max", "Sub", "Reshape"])
            elif what == 2 and tensor.dims:
                tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice([-1, 0, 1, 2, 3, 4, 2**31, 2**62])
            elif what == 3:
                tensor.data_type = rng.randrange(25)
            elif what == 4:
                tensor.raw_data = mutate(rng, tensor.raw_data, self.seeds)
            elif what == 5:
                graph.node.append(node) if rng.random() < 0.5 else graph.node.remove(node)
            elif what == 6 and node.attribute:
                attribute = rng.choice(node.attribute)
                attribute.i, attribute.f, attribute.type = rng.randint(-3, 3), rng.random(), rng.randrange(15)
            else:
                text = str(rng.choice(VALUES)).encode("utf-8", "replace").decode()
                rng.choice(model.metadata_props).value = text
            if not graph.node:
                break
        return model.SerializeToString()

    def read(self, data: bytes) -> None:
        works(cnet.exchange.from_onnx(io.BytesIO(data)))


class Picture(Reader):
    def make_seeds(self) -> list[bytes]:
        from PIL import Image

        x, _ = cnet.datasets.make_digits(1, rng=0)
        digit = Image.fromarray(255 - x[0].reshape(28, 28)).resize((40, 50))
        seeds = []
        for kind, mode in (
            ("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "1"), ("JPEG", "RGB"),
            ("JPEG", "CMYK"), ("BMP", "RGB"), ("GIF", "P"), ("TIFF", "L"), ("TIFF", "RGB"), ("WEBP", "RGB"),
            ("PPM", "RGB"),
        ):
            file = io.BytesIO()
            picture = digit.convert("I").convert(mode) if mode == "I;16" else digit.convert(mode)
            with contextlib.suppress(KeyError, OSError):  # a format that this Pillow does not write
                picture.save(file, kind)
                seeds.append(file.getvalue())
        assert len(seeds) > 8
        return seeds

    def damaged(self, rng: random.Random) -> bytes:
        data = super().damaged(rng)
        return png_repaired(data) if data[:4] == b"\x89PNG" and rng.random() < 0.7 else data

    def read(self, data: bytes) -> None:
        from cnet.images import read_digit

        row = read_digit(self.put("picture", data))
        assert row.shape == (784,) and row.dtype == np.uint8


READERS = {
    "model": Model, "checkpoint": Checkpoint, "history": History, "idx": Idx, "mnist": Mnist, "npz": Npz,
    "onnx": Onnx, "picture": Picture,
}


def check(reader: Reader, data: bytes) -> str:
    """Read a file; return what came of it, or raise what must not be."""
    try:
        reader.read(data)
    except AssertionError:
        raise
    except reader.allowed as error:
        text = str(error)
        if isinstance(error, OSError) and error.errno == 12:
            raise AssertionError("a small file asks for more memory than there is") from error
        if not text.replace("\n", "").isprintable():
            raise AssertionError(f"the message has control characters: {text!r}") from error
        if len(text) > 2000 + len(os.fspath(reader.folder)):
            raise AssertionError(f"the message is {len(text)} characters long") from error
        return type(error).__name__
    return "read"
