"""Saving and loading a network by what people have: paths, ``~``, open files."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

import cnet


@pytest.fixture
def net() -> cnet.TwoLayerNet:
    return cnet.TwoLayerNet(4, 3, 2, rng=0)


def same(one: cnet.TwoLayerNet, other: cnet.TwoLayerNet) -> bool:
    return one.seed == other.seed and all(np.array_equal(one.params[name], other.params[name]) for name in one.params)


def test_home_folder(net, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    net.save("~/net")
    assert os.listdir(tmp_path) == ["net"]
    for path in ("~/net", Path("~/net"), "net", tmp_path / "net"):
        assert same(cnet.load(path), net) and same(cnet.TwoLayerNet.load(path), net)


@pytest.mark.parametrize("buffering", [-1, 0])
def test_open_files(net, tmp_path, buffering):
    other = cnet.TwoLayerNet(5, 2, 3, rng=1)
    memory = io.BytesIO()
    with open(tmp_path / "two", "w+b", buffering=buffering) as file:
        for target in (file, memory):
            target.write(b"before")
            net.save(target)
            end = target.tell()
            other.save(target)
            target.seek(end)
            assert same(cnet.load(target), other) and not target.closed
            # From its position to its end: two networks are not one.
            target.seek(6)
            with pytest.raises(ValueError, match="more follows its tensors"):
                cnet.load(target)
    assert (tmp_path / "two").read_bytes() == memory.getvalue()
    net.save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == memory.getvalue()[6:end]


def test_a_member_of_an_archive(net, tmp_path):
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive, archive.open("net", "w") as file:
        net.save(file)
    with zipfile.ZipFile(tmp_path / "zip") as archive, archive.open("net") as file:
        assert same(cnet.load(file), net)


def test_what_is_neither_a_path_nor_an_open_binary_file(net, tmp_path):
    net.save(tmp_path / "net")
    with open(tmp_path / "net", encoding="latin-1") as text, pytest.raises(TypeError, match="opened as text"):
        cnet.load(text)
    with open(tmp_path / "text", "w") as text, pytest.raises(TypeError, match="opened as text"):
        net.save(text)
    for nothing in (3, None, b"net", ["net"], net):
        with pytest.raises(TypeError, match="path must be a str, an os.PathLike or an open binary file, got"):
            cnet.load(nothing)
        with pytest.raises(TypeError, match="path must be a str, an os.PathLike or an open binary file, got"):
            net.save(nothing)
    with pytest.raises(ValueError, match="cannot read the open BytesIO: it is not a cnet model"):
        cnet.load(io.BytesIO(b"Call me Ishmael. Some years ago"))
