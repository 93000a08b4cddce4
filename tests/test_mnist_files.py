"""MNIST's files: where they are looked for, what is checked, and how they are fetched.

Downloads come from a server on the loopback interface, with its own files and MD5s.
"""

from __future__ import annotations

import builtins
import gzip
import hashlib
import io
import os
import struct
import sys
import threading
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cnet.datasets import find_mnist, load_mnist, mnist

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]
# Kept before any test puts its own in their place.
PUBLISHED_MD5, PUBLISHED_SHA256 = dict(mnist.MD5), dict(mnist.SHA256)
PUBLISHED_MIRRORS = mnist.MIRRORS


def images_idx(images: list) -> bytes:
    """Assemble an IDX file of unsigned bytes from nested lists: images, rows, pixels."""
    sizes = (len(images), len(images[0]), len(images[0][0]))
    pixels = [pixel for image in images for row in image for pixel in row]
    return struct.pack(">4B3I", 0, 0, 8, 3, *sizes) + bytes(pixels)


def labels_idx(labels: list) -> bytes:
    return struct.pack(">4BI", 0, 0, 8, 1, len(labels)) + bytes(labels)


TRAIN = [[[0, 255, 51], [1, 2, 3]], [[4, 5, 6], [7, 8, 9]], [[10, 11, 12], [13, 14, 102]]]
TEST = [[[1, 0, 0], [0, 0, 255]], [[9, 8, 7], [6, 5, 4]]]
CONTENT = dict(
    zip(
        NAMES,
        [images_idx(TRAIN), labels_idx([3, 0, 5]), images_idx(TEST), labels_idx([1, 2])],
        strict=True,
    )
)


def put(folder: Path, content: dict[str, bytes], suffix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix == ".gz" else data)
    return folder


@pytest.fixture(autouse=True)
def homeless(tmp_path, monkeypatch):
    """No test sees the user's own data or reaches the network; the cache is a temporary folder."""
    monkeypatch.delenv("CNET_DATA", raising=False)
    monkeypatch.setattr(mnist, "_cache_folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# What load_mnist makes of a set


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_pixels_as_bytes(tmp_path, suffix):
    folder = put(tmp_path / "set", CONTENT, suffix)
    (x_train, t_train), (x_test, t_test) = load_mnist(
        normalize=False, flatten=False, data_home=folder, download=False
    )
    for array, expected in ((x_train, TRAIN), (x_test, TEST)):
        assert array.dtype == np.uint8 and array.shape == (len(expected), 1, 2, 3)
        assert array[:, 0].tolist() == expected
    for labels, whole in ((t_train, [3, 0, 5]), (t_test, [1, 2])):
        assert labels.dtype == np.uint8 and labels.tolist() == whole
    x_train[0] = 1
    t_train[0] = 1


def test_normalized_and_flat_by_default(tmp_path):
    (x_train, _), (x_test, _) = load_mnist(data_home=put(tmp_path, CONTENT))
    assert x_train.dtype == np.float32 and x_train.shape == (3, 6) and x_test.shape == (2, 6)
    # 51/255 and 102/255 are 0.2 and 0.4, rounded once.
    assert x_train[0, :3].tolist() == [0.0, 1.0, float(np.float32(0.2))]
    assert x_train[2, 5] == np.float32(0.4)
    assert x_test[0].tolist() == [float(np.float32(1 / 255)), 0, 0, 0, 0, 1]
    shaped = load_mnist(flatten=False, data_home=tmp_path)[0][0]
    assert shaped.shape == (3, 1, 2, 3) and shaped.dtype == np.float32


def test_one_hot_labels(tmp_path):
    (_, t_train), (_, t_test) = load_mnist(one_hot_label=True, data_home=put(tmp_path, CONTENT))
    assert t_train.shape == (3, 10) and t_test.shape == (2, 10)
    assert t_train[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert t_test[1].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert t_train.sum() == 3 and t_test.sum() == 2


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_one_hot_width_covers_both_parts(tmp_path, part):
    count = {"train": 3, "t10k": 2}[part]
    labels = labels_idx([46] + [0] * (count - 1))
    put(tmp_path, CONTENT | {f"{part}-labels-idx1-ubyte": labels})
    (_, t_train), (_, t_test) = load_mnist(one_hot_label=True, data_home=tmp_path)
    assert t_train.shape == (3, 47) and t_test.shape == (2, 47)
    assert (t_train if part == "train" else t_test)[0, 46] == 1


def test_an_empty_test_part(tmp_path):
    empty = {NAMES[2]: struct.pack(">4B3I", 0, 0, 8, 3, 0, 2, 3), NAMES[3]: labels_idx([])}
    folder = put(tmp_path, CONTENT | empty)
    (_, t_train), (x_test, t_test) = load_mnist(one_hot_label=True, data_home=folder)
    assert x_test.shape == (0, 6) and t_test.shape == (0, 10) and t_train.shape == (3, 10)


@pytest.mark.parametrize(
    "name,content,message",
    [
        (NAMES[1], labels_idx([1, 2]), "label for each of the 3 images in .* given 2"),
        (NAMES[2], images_idx(TEST[:1]), "label for each of the 1 images in .* given 2"),
        (NAMES[0], labels_idx([1, 2, 3]), r"3-D array of uint8, given uint8 of shape \(3,\)"),
        (NAMES[3], images_idx(TEST), r"1-D array of uint8, given uint8 of shape \(2, 2, 3\)"),
        (NAMES[3], struct.pack(">4BI2b", 0, 0, 9, 1, 2, 1, 2), "1-D array of uint8, given int8"),
        (NAMES[0], struct.pack(">4B3If", 0, 0, 13, 3, 1, 1, 1, 0.5), "uint8, given float32"),
        (NAMES[2], images_idx([[[1, 2], [3, 4], [5, 6]]] * 2), r"\(2, 3\) to train.*\(3, 2\) to"),
        (NAMES[2], b"<html>404</html>", "not an IDX file"),
        (NAMES[3], labels_idx([1, 2])[:-1], "expected 2 bytes"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, name, content, message):
    put(tmp_path, CONTENT | {name: content})
    with pytest.raises(ValueError, match=message) as caught:
        load_mnist(data_home=tmp_path)
    assert str(tmp_path) in str(caught.value)


# Where the files are looked for


def test_names_with_a_dot_and_mixed_compression(tmp_path):
    dotted = {name.replace("-idx", ".idx"): data for name, data in CONTENT.items()}
    assert "train-images.idx3-ubyte" in dotted
    put(tmp_path / "dotted", dotted)
    assert load_mnist(data_home=tmp_path / "dotted")[1][1].tolist() == [1, 2]
    put(tmp_path / "mixed", dict(list(dotted.items())[:2]), ".gz")
    put(tmp_path / "mixed", dict(list(CONTENT.items())[2:3]))
    assert find_mnist(tmp_path / "mixed") is None
    put(tmp_path / "mixed", dict(list(CONTENT.items())[3:]), ".gz")
    assert load_mnist(data_home=tmp_path / "mixed")[1][1].tolist() == [1, 2]


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


KERAS = {
    "x_train": np.array(TRAIN, np.uint8), "y_train": np.array([3, 0, 5], np.uint8),
    "x_test": np.array(TEST, np.uint8), "y_test": np.array([1, 2], np.uint8),
}


def nested(folder: Path, name: str, suffix: str) -> None:
    for variant, data in CONTENT.items():
        inside = variant.replace("-idx", ".idx") if name == "dotted" else variant
        put(folder / inside, {inside: data}, suffix)


LAYOUTS = {
    "torchvision": lambda root: put(root / "MNIST" / "raw", CONTENT),
    "torchvision, as downloaded": lambda root: put(root / "MNIST" / "raw", CONTENT, ".gz"),
    "torchvision, named one folder lower": lambda root: put(root / "raw", CONTENT),
    "in a folder called mnist": lambda root: put(root / "mnist", CONTENT),
    "a folder for each file": lambda root: nested(root, "plain", ""),
    "a folder for each file, zipped": lambda root: nested(root, "dotted", ".gz"),
    "Keras": lambda root: put(root, {"mnist.npz": npz(**KERAS)}),
    "Keras, below": lambda root: put(root / "mnist", {"mnist.npz": npz(**KERAS)}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_others(tmp_path, layout):
    root = tmp_path / "root"
    LAYOUTS[layout](root)
    assert find_mnist(root) == root
    (x_train, t_train), (x_test, t_test) = load_mnist(
        normalize=False, flatten=False, data_home=root, download=False
    )
    for array, expected in ((x_train, TRAIN), (x_test, TEST)):
        assert array.dtype == np.uint8 and array[:, 0].tolist() == expected
        assert array.flags.c_contiguous and array.flags.writeable
    for labels, whole in ((t_train, [3, 0, 5]), (t_test, [1, 2])):
        assert labels.dtype == np.uint8 and labels.tolist() == whole


def test_the_npz_file_itself(tmp_path):
    path = put(tmp_path / "some", {"other name.npz": npz(**KERAS)}) / "other name.npz"
    assert find_mnist(path) == path and find_mnist(tmp_path / "some") is None
    assert load_mnist(data_home=path, one_hot_label=True)[1][1].argmax(axis=1).tolist() == [1, 2]
    with pytest.raises(FileNotFoundError, match="MNIST was not found"):
        load_mnist(data_home=tmp_path / "absent.npz", download=False)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i4", "uint32"])
def test_arrays_of_npz_in_any_form(tmp_path, save, dtype):
    labels = {name: KERAS[name].astype(dtype) for name in ("y_train", "y_test")}
    images = {name: np.asfortranarray(KERAS[name]) for name in ("x_train", "x_test")}
    save(tmp_path / "mnist.npz", more=np.zeros(3), **labels, **images)
    (x_train, t_train), _ = load_mnist(normalize=False, flatten=False, data_home=tmp_path)
    assert x_train[:, 0].tolist() == TRAIN and x_train.flags.c_contiguous
    assert t_train.dtype == np.uint8 and t_train.tolist() == [3, 0, 5]


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    "content,message",
    [
        (b"", "not an npz file"),
        (b"PK\x03\x04" + bytes(100), "not an npz file"),
        (npz(x_train=KERAS["x_train"]), "expected an array y_train, the file holds .'x_train'"),
        (npz(**KERAS | {"x_train": np.array([Harm()])}), "array x_train must hold numbers, its header is .*O"),
        (npz(**KERAS | {"x_train": np.array(["a"])}), "array x_train must hold numbers, its header is .*<U1"),
        (npz(**KERAS | {"x_test": np.zeros((2, 2, 3))}), "x_test: expected a 3-D array of uint8, given float64"),
        (npz(**KERAS | {"x_test": np.zeros((2, 6), np.uint8)}), r"3-D array of uint8, .* shape \(2, 6\)"),
        (npz(**KERAS | {"y_test": np.array([1, 256])}), "y_test: expected a 1-D array of uint8, given int64"),
        (npz(**KERAS | {"y_test": np.array([1, -1])}), "y_test: expected a 1-D array of uint8, given int64"),
        (npz(**KERAS | {"y_test": np.array([1.0, 2.0])}), "y_test: expected .* given float64"),
        (npz(**KERAS | {"y_test": np.array([1], np.uint8)}), "a label for each of the 2 images in .* given 1"),
        (npz(**KERAS)[:-30], "not an npz file"),
        (npz(**KERAS).replace(bytes([13, 14, 102]), bytes([13, 14, 103])), "CRC"),
    ],
)
def test_npz_files_that_do_not_serve(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path / "set", {"mnist.npz": content}) / "mnist.npz"
    with pytest.raises(ValueError, match=message) as caught:
        load_mnist(data_home=tmp_path / "set", download=False)
    assert str(path) in str(caught.value)
    assert os.listdir(tmp_path) == ["set"]


def npy_zipped(header: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with one array, whose header (of NumPy's format, version 1) is the caller's."""
    text = header.encode() + b"\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("x_train.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)
    return file.getvalue()


def npy_header(shape: str, descr: str = "'|u1'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    "content,message",
    [
        (npy_zipped(npy_header("(4000000001,)"), b""), "takes more than 4,000,000,000 bytes"),
        (npy_zipped(npy_header("(4000000000,)"), b"1234"), "should have 4000000000 bytes, given 4"),
        (npy_zipped(npy_header("(3,)"), bytes(64 << 20)), "should have 3 bytes, given more"),
        (npy_zipped(npy_header("(-1,)"), b""), r"must hold numbers, its header is .*\(-1,\)"),
        (npy_zipped(npy_header("(0, 9223372036854775807, 9)"), b""), "mnist.npz"),
        (npy_zipped(npy_header("(" * 1000 + ")" * 1000), b""), "must hold numbers"),
        (npy_zipped(npy_header("(1,)", "'|O'"), b"1"), "must hold numbers"),
        (npy_zipped(npy_header("(1,)", "[('a', '<f8', (100000,))]"), b""), "must hold numbers"),
        (npy_zipped(npy_header("(3,)"), bytes(3), zipfile.ZIP_LZMA), "by a method"),
        (npy_zipped("", bytes(3)), "must hold numbers"),
        (npy_zipped("{'descr': '|u1", b""), "must hold numbers"),
        (npy_zipped(npy_header("(3,)\0"), bytes(3)), "must hold numbers"),
        (npy_zipped(npy_header("(3,)") + " " * 20_000, bytes(3)), "a header of 200"),
        (npy_zipped(npy_header("(" + "9" * 5000 + ",)"), bytes(3)), "cannot hold"),
        (npy_zipped(npy_header("(" + "1, " * 65 + ")"), bytes(1)), "cannot hold"),
        (npy_zipped(npy_header("(" + "1 " * 2000 + ";)"), bytes(1)), "must hold numbers"),
        (npy_zipped(npy_header("(3,)"), bytes(3)).replace(b"\x93NUMPY", b"\x93NUMPZ"), "mnist.npz: "),
    ],
)
def test_npz_files_from_strangers(tmp_path, content, message):
    put(tmp_path, {"mnist.npz": content})
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        load_mnist(data_home=tmp_path, download=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_the_flat_files_come_first(tmp_path):
    put(tmp_path / "MNIST" / "raw", CONTENT | {NAMES[1]: labels_idx([9, 9, 9])})
    put(tmp_path, {"mnist.npz": b"damaged"})
    assert load_mnist(data_home=tmp_path)[0][1].tolist() == [9, 9, 9]
    put(tmp_path, CONTENT)
    assert load_mnist(data_home=tmp_path)[0][1].tolist() == [3, 0, 5]


def test_home_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = put(tmp_path / "data", CONTENT)
    assert find_mnist("~/data") == find_mnist(Path("~/data")) == folder
    monkeypatch.setenv("CNET_DATA", "~/data")
    assert find_mnist() == folder
    for wrong in (3, b"data", ["data"]):
        with pytest.raises(TypeError, match="data_home must be a str or an os.PathLike"):
            find_mnist(wrong)


@pytest.mark.skipif(os.name != "posix", reason="such names are possible there only")
def test_names_of_folders_do_not_reach_the_terminal(tmp_path):
    bad = put(tmp_path / "a\x1b[2J", CONTENT | {NAMES[0]: b"\x1b[2J"})
    with pytest.raises(ValueError) as caught:
        load_mnist(data_home=bad)
    assert str(caught.value).isprintable()
    (bad / NAMES[0]).unlink()
    with pytest.raises(FileNotFoundError) as missing:
        load_mnist(data_home=bad, download=False)
    assert "\x1b" not in str(missing.value)


def test_folders_are_searched_in_order(tmp_path, monkeypatch):
    assert find_mnist() is None
    cache = put(tmp_path / "cache", CONTENT)
    assert find_mnist() == cache
    # Empty is the same as unset, and not the current folder.
    monkeypatch.chdir(put(tmp_path / "current", CONTENT))
    monkeypatch.setenv("CNET_DATA", "")
    assert find_mnist() == cache
    monkeypatch.setenv("CNET_DATA", str(tmp_path / "environment"))
    assert find_mnist() == cache
    environment = put(tmp_path / "environment", CONTENT)
    assert find_mnist() == environment
    home = put(tmp_path / "home", dict(list(CONTENT.items())[:3]))
    assert find_mnist(home) == environment  # three of four are not a set
    put(home, CONTENT)
    assert find_mnist(home) == home and find_mnist(str(home)) == home
    assert load_mnist(data_home=home, download=False)[0][1].tolist() == [3, 0, 5]


def test_a_folder_under_a_files_name_is_not_a_file(tmp_path):
    put(tmp_path / "set", dict(list(CONTENT.items())[:3]))
    (tmp_path / "set" / NAMES[3]).mkdir()
    assert find_mnist(tmp_path / "set") is None


@pytest.mark.parametrize(
    "platform,environment,expected",
    [
        ("linux", {}, ["home", ".cache", "cnet"]),
        ("linux", {"XDG_CACHE_HOME": "{}/xdg"}, ["xdg", "cnet"]),
        ("linux", {"XDG_CACHE_HOME": "relative"}, ["home", ".cache", "cnet"]),
        ("darwin", {"XDG_CACHE_HOME": "{}/xdg"}, ["home", "Library", "Caches", "cnet"]),
        ("win32", {"LOCALAPPDATA": "{}/local"}, ["local", "cnet", "Cache"]),
        ("win32", {}, ["home", "AppData", "Local", "cnet", "Cache"]),
    ],
)
def test_cache_folder_of_each_platform(tmp_path, monkeypatch, platform, environment, expected):
    monkeypatch.undo()  # the real function, not the fixture's stand-in
    for name in ("CNET_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    put(tmp_path.joinpath(*expected), CONTENT)
    assert find_mnist() == tmp_path.joinpath(*expected)


def test_no_home_no_cache_folder(monkeypatch):
    monkeypatch.undo()
    for name in ("CNET_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    # What the standard library does for a user without a home.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert mnist._cache_folder() is None


def test_not_found_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("CNET_DATA", str(tmp_path / "environment"))
    partial = put(tmp_path / "partial", dict(list(CONTENT.items())[:1]), ".gz")
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(data_home=partial, download=False)
    message = str(caught.value)
    assert f"{partial} (holds only {NAMES[0]}.gz)" in message
    assert f"{tmp_path / 'environment'} (is not a folder)" in message
    assert str(tmp_path / "cache") in message
    assert all(f"  {name}\n" in message for name in NAMES)
    assert "data_home=" in message and "download=False" in message
    assert os.listdir(tmp_path) == ["partial"]  # a refused download makes no folder


def test_no_folder_at_all(monkeypatch):
    monkeypatch.setattr(mnist, "_cache_folder", lambda: None)
    assert find_mnist() is None
    with pytest.raises(FileNotFoundError, match="no folder to keep it in"):
        load_mnist()


def test_without_pooch(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.partition(".")[0] == "pooch":
            raise ModuleNotFoundError("No module named 'pooch'", name="pooch")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(FileNotFoundError, match=r'pip install "cnet-nn\[data\]"') as caught:
        load_mnist(data_home=tmp_path / "new")
    assert str(tmp_path / "new") in str(caught.value) and NAMES[0] in str(caught.value)
    assert not (tmp_path / "new").exists()
    put(tmp_path / "new", CONTENT)
    assert load_mnist(data_home=tmp_path / "new")[1][1].tolist() == [1, 2]


# Downloads


class Server:
    """A loopback server: `answers` maps a path to (status, headers, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                server.asked.append(self.path)
                status, headers, body = server.answers.get(self.path, (404, {}, b"nothing here"))
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}/"
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()

    def serve(self, mirror: str, bodies: dict[str, bytes], **headers: str) -> None:
        for name, body in bodies.items():
            named = {key.replace("_", "-"): value for key, value in headers.items()}
            self.answers[f"/{mirror}/{name}.gz"] = (200, named, body)


ZIPPED = {name: gzip.compress(data) for name, data in CONTENT.items()}


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    pytest.importorskip("pooch", reason="a download needs pooch")
    server = Server()
    monkeypatch.setattr(mnist, "MIRRORS", tuple(f"{server.url}{m}/" for m in "abc"))
    for kind, digest in (("MD5", hashlib.md5), ("SHA256", hashlib.sha256)):
        own = {name: digest(data).hexdigest() for name, data in CONTENT.items()}
        monkeypatch.setattr(mnist, kind, own)
    yield server
    server.close()


def test_download_into_the_first_folder_that_is_given(tmp_path, monkeypatch, server):
    server.serve("a", ZIPPED)
    assert load_mnist(normalize=False)[0][0].tolist()[0] == [0, 255, 51, 1, 2, 3]
    assert sorted(os.listdir(tmp_path / "cache")) == sorted(f"{name}.gz" for name in NAMES)
    assert find_mnist() == tmp_path / "cache"
    asked = len(server.asked)
    assert asked == 4
    load_mnist(data_home=tmp_path / "home")  # found in the cache: nothing is fetched
    assert len(server.asked) == asked and not (tmp_path / "home").exists()

    monkeypatch.setattr(mnist, "_cache_folder", lambda: None)
    monkeypatch.setenv("CNET_DATA", str(tmp_path / "environment"))
    load_mnist(data_home=tmp_path / "deep" / "home")
    assert find_mnist() is None and find_mnist(tmp_path / "deep" / "home") is not None
    load_mnist()
    assert find_mnist() == tmp_path / "environment"


def test_mirrors_are_tried_in_turn(tmp_path, server):
    """The first has nothing, the second something else, the third the files."""
    wrong = {name: gzip.compress(data + b"!") for name, data in CONTENT.items()}
    server.serve("b", wrong)
    server.serve("c", ZIPPED)
    (_, t_train), (_, t_test) = load_mnist(data_home=tmp_path / "home")
    assert t_train.tolist() == [3, 0, 5] and t_test.tolist() == [1, 2]
    assert server.asked[:3] == [f"/{m}/{NAMES[0]}.gz" for m in "abc"]
    # The mirror that worked is asked first from then on.
    assert server.asked[3:] == [f"/c/{name}.gz" for name in NAMES[1:]]
    assert sorted(os.listdir(tmp_path / "home")) == sorted(f"{name}.gz" for name in NAMES)


def test_every_mirror_fails(tmp_path, server):
    server.answers[f"/a/{NAMES[0]}.gz"] = (503, {}, b"later")
    server.serve("b", {NAMES[0]: ZIPPED[NAMES[0]][:-9]})  # gzip data that is cut short
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(data_home=tmp_path / "home")
    lines = str(caught.value).splitlines()
    for mirror, reason in (("a", "503"), ("b", "gzip"), ("c", "404")):
        url = f"{server.url}{mirror}/{NAMES[0]}.gz"
        assert [line for line in lines if url in line and reason in line], mirror
    assert str(tmp_path / "home") in str(caught.value)
    assert server.asked == [f"/{m}/{NAMES[0]}.gz" for m in "abc"]
    assert os.listdir(tmp_path / "home") == []


def test_no_answer_is_left_open(tmp_path, monkeypatch, server):
    """Neither of a server that refuses, nor one that is cut short, nor a whole one."""
    import requests

    answers, get = [], requests.get

    def recording(*args, **options):
        answers.append(get(*args, **options))
        return answers[-1]

    server.answers[f"/a/{NAMES[0]}.gz"] = (503, {}, b"later")
    server.answers[f"/b/{NAMES[0]}.gz"] = (200, {"Content-Length": "1000"}, b"cut short")
    server.serve("c", ZIPPED)
    monkeypatch.setattr(requests, "get", recording)
    load_mnist(data_home=tmp_path)
    assert [answer.status_code for answer in answers] == [503, 200, 200, 200, 200, 200]
    assert all(answer.raw.closed for answer in answers)


def test_a_mirror_that_is_not_there(tmp_path, monkeypatch, server):
    server.serve("a", ZIPPED)
    gone = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    gone.server_close()
    dead = f"http://127.0.0.1:{gone.server_address[1]}/"
    monkeypatch.setattr(mnist, "MIRRORS", (dead, "nonsense://", f"{server.url}a/"))
    assert load_mnist(data_home=tmp_path)[1][1].tolist() == [1, 2]


@pytest.mark.parametrize(
    "body,headers",
    [
        (ZIPPED[NAMES[1]][:10], {"Content_Length": str(len(ZIPPED[NAMES[1]]))}),
        (b"", {}),
        (b"<html>sign in to this network</html>", {}),
        (ZIPPED[NAMES[0]], {}),
        (ZIPPED[NAMES[1]] + b"rubbish", {}),
    ],
    ids=["connection lost", "empty", "login page", "another of the files", "trailing bytes"],
)
def test_damaged_downloads_are_removed(tmp_path, monkeypatch, server, body, headers):
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}a/",))
    server.serve("a", ZIPPED)
    server.serve("a", {NAMES[1]: body}, **headers)
    with pytest.raises(FileNotFoundError, match=f"a/{NAMES[1]}.gz: "):
        load_mnist(data_home=tmp_path)
    assert os.listdir(tmp_path) == [f"{NAMES[0]}.gz"]
    # What is there already is right, and is not fetched again.
    server.asked.clear()
    server.serve("a", ZIPPED)
    assert load_mnist(data_home=tmp_path)[1][1].tolist() == [1, 2]
    assert server.asked == [f"/a/{name}.gz" for name in NAMES[1:]]


@pytest.mark.parametrize("inflated", [False, True])
def test_a_mirror_that_sends_without_end(tmp_path, monkeypatch, server, inflated):
    monkeypatch.setattr(mnist, "MAX_BYTES", 10_000)
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}a/",))
    flood = gzip.compress(bytes(8 << 20)) if inflated else bytes(1 << 20)
    seen = 0
    crc32 = zlib.crc32

    def counting(data, *rest):
        nonlocal seen
        seen += len(data)
        return crc32(data, *rest)

    server.serve("a", ZIPPED | {NAMES[0]: flood})
    monkeypatch.setattr(zlib, "crc32", counting)
    with pytest.raises(FileNotFoundError, match="MD5" if inflated else "at most 10000 bytes"):
        load_mnist(data_home=tmp_path)
    assert os.listdir(tmp_path) == []
    # GzipFile takes the checksum of what it inflates: at most a buffer beyond the limit.
    assert (seen > 0) == inflated and seen <= 10_000 + (1 << 18)


def test_content_that_the_transfer_inflates(tmp_path, server):
    """Some servers declare .gz files as a transfer encoding, and clients undo it."""
    server.serve("a", ZIPPED, Content_Encoding="gzip")
    assert load_mnist(data_home=tmp_path)[0][1].tolist() == [3, 0, 5]


def test_ctrl_c_during_a_download(tmp_path, monkeypatch, server):
    server.serve("a", ZIPPED)
    write = mnist._Limited.write

    def interrupt(self, data):
        write(self, data[:5])
        assert len(os.listdir(tmp_path)) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist._Limited, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_mnist(data_home=tmp_path)
    assert os.listdir(tmp_path) == []


def test_another_set_is_neither_checked_nor_mixed(tmp_path, server):
    """A whole set loads whatever it holds; a part of another set is not filled up with MNIST."""
    server.serve("a", ZIPPED)
    other = CONTENT | {NAMES[1]: labels_idx([7, 7, 7])}
    assert load_mnist(data_home=put(tmp_path / "whole", other))[0][1].tolist() == [7, 7, 7]
    part = put(tmp_path / "part", dict(list(other.items())[:2]))
    with pytest.raises(FileNotFoundError, match=f"not MNIST's {NAMES[1]}"):
        load_mnist(data_home=part)
    assert sorted(os.listdir(part)) == NAMES[:2]
    assert server.asked == []


def test_data_home_that_cannot_be_made(tmp_path, server):
    server.serve("a", ZIPPED)
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(FileNotFoundError, match="cannot take the download"):
        load_mnist(data_home=tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert server.asked == []


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_only_on_a_terminal(tmp_path, monkeypatch, server, terminal):
    pytest.importorskip("tqdm", reason="a progress bar needs tqdm")

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    server.serve("a", ZIPPED)
    monkeypatch.setattr(sys, "stderr", Screen())
    load_mnist(data_home=tmp_path)
    assert ("100%" in sys.stderr.getvalue()) == terminal
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    assert mnist._progress_bar() is False


@pytest.mark.parametrize("name", ["normalize", "flatten", "one_hot_label", "download"])
@pytest.mark.parametrize("value", ["my-mnist", None, 2, 0.0])
def test_a_flag_is_true_or_false(name, value, tmp_path):
    """A folder passed first would be taken for `normalize`."""
    with pytest.raises(TypeError, match=f"{name} must be True or False"):
        load_mnist(**{"data_home": tmp_path, name: value})


# The published data set


def test_mirrors_are_several_and_encrypted():
    assert len(set(PUBLISHED_MIRRORS)) == len(PUBLISHED_MIRRORS) >= 3
    for mirror in PUBLISHED_MIRRORS:
        assert mirror.startswith("https://") and mirror.endswith("/")


@pytest.mark.mnist
def test_digests_are_those_of_the_published_files(mnist_dir):
    assert list(mnist.MD5) == list(mnist.SHA256) == NAMES
    for name in NAMES:
        with gzip.open(mnist_dir / f"{name}.gz") as file:
            content = file.read()
        assert hashlib.md5(content).hexdigest() == mnist.MD5[name]
        assert hashlib.sha256(content).hexdigest() == mnist.SHA256[name]


def test_content_of_the_same_md5_is_not_enough(tmp_path, monkeypatch, server):
    """As if somebody had forged a file: its MD5 is the published one, its SHA-256 is not."""
    server.serve("a", ZIPPED)
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}a/",))
    monkeypatch.setattr(mnist, "SHA256", PUBLISHED_SHA256)
    with pytest.raises(FileNotFoundError, match=f"not MNIST's {NAMES[0]}: .*SHA-256 ba8910"):
        load_mnist(data_home=tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.mnist
def test_download_of_the_real_files(tmp_path, mnist_dir, server, monkeypatch):
    """Served from the loopback, checked against the published MD5s."""
    server.serve("a", {name: (mnist_dir / f"{name}.gz").read_bytes() for name in NAMES})
    monkeypatch.setattr(mnist, "MD5", PUBLISHED_MD5)
    monkeypatch.setattr(mnist, "SHA256", PUBLISHED_SHA256)
    fetched = load_mnist(normalize=False, data_home=tmp_path / "home")
    present = load_mnist(normalize=False, data_home=mnist_dir, download=False)
    for one, other in zip(fetched, present, strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.mnist
def test_known_facts_of_mnist(mnist_dir):
    (x_train, t_train), (x_test, t_test) = load_mnist(
        normalize=False, data_home=mnist_dir, download=False
    )
    assert x_train.shape == (60000, 784) and x_test.shape == (10000, 784)
    assert t_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The counts of each digit, as the data set's descriptions list them.
    train_counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test_counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(t_train).tolist() == train_counts
    assert np.bincount(t_test).tolist() == test_counts
    # The mean and standard deviation that everybody normalizes with.
    assert x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert np.count_nonzero(x_train) / x_train.size == pytest.approx(0.191, abs=5e-4)


@pytest.mark.mnist
def test_real_mnist_in_every_form(mnist_dir):
    (x, _), _ = load_mnist(normalize=False, data_home=mnist_dir)
    (images, t), (_, t_test) = load_mnist(flatten=False, one_hot_label=True, data_home=mnist_dir)
    assert images.shape == (60000, 1, 28, 28) and images.dtype == np.float32
    assert images.min() == 0 and images.max() == 1
    some = slice(None, None, 997)
    assert np.array_equal(images.reshape(60000, 784)[some] * np.float32(255), x[some])
    assert t.shape == (60000, 10) and t_test.shape == (10000, 10)
    assert t[:5].argmax(axis=1).tolist() == [5, 0, 4, 1, 9] and (t.sum(axis=1) == 1).all()
