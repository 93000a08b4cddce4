"""``cnet predict``: the digits in pictures."""

import json
import os
import shutil
import sys

import numpy as np
import pytest

import cnet
from cnet.cli import main
from cnet.images import read_digit


def test_without_pillow(one_error, trained, tmp_path, capsys, monkeypatch):
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "picture.png").write_bytes(b"")
    assert main(["predict", trained, str(tmp_path / "picture.png")]) == 1
    assert "needs Pillow" in one_error()
    assert main(["digits", str(tmp_path / "x.png")]) == 1
    assert "needs Pillow" in one_error()


def test_predict(trained, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    x, _ = cnet.datasets.make_digits(12, rng=11)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    paths = [str(tmp_path / f"{i}.png") for i in range(12)]
    for pixels, path in zip(x.reshape(-1, 28, 28), paths, strict=True):
        image.fromarray(255 - pixels).resize((280, 280)).save(path)
    assert main(["predict", trained, *paths, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["results"]
    assert [result["image"] for result in told] == paths
    expected = net.predict(np.array([read_digit(path) for path in paths]))
    assert [result["digit"] for result in told] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose([result["probabilities"] for result in told], expected, atol=1e-5)
    assert sum(told[0]["probabilities"]) == pytest.approx(1, abs=1e-5)

    # One that cannot be read does not keep the others from it.
    assert main(["predict", trained, str(tmp_path / "none.png"), paths[0]]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(paths[0]) and out.count("\n") == 1
    assert "none.png: No such file" in err and err.count("\n") == 1


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures, with other files in it: the digits by the pictures' names."""
    image = pytest.importorskip("PIL.Image")
    x, _ = cnet.datasets.make_digits(3, rng=11)
    folder = tmp_path / "pictures"
    (folder / "sub.png").mkdir(parents=True)
    for name, pixels in zip(("b.png", "a.PNG", "c [1].jpg"), x.reshape(-1, 28, 28), strict=True):
        image.fromarray(255 - pixels).resize((280, 280)).save(folder / name)
    for name in ("notes.txt", ".hidden.png"):
        (folder / name).write_text("no picture")
    (folder / "sub.png").rmdir()
    return folder


def read_names(capsys):
    return [os.path.basename(line.rsplit(": ", 1)[0]) for line in capsys.readouterr().out.splitlines()]


def test_folders_and_patterns(trained, pictures, capsys, monkeypatch):
    """What no shell has expanded: cmd.exe expands nothing, and quotes keep every shell from it."""
    assert main(["predict", trained, str(pictures)]) == 0
    assert read_names(capsys) == ["a.PNG", "b.png", "c [1].jpg"]
    assert main(["predict", trained, str(pictures / "*.[jp]*g")]) == 0
    assert read_names(capsys) == ["b.png", "c [1].jpg"]
    monkeypatch.chdir(pictures)
    assert main(["predict", trained, "?.png", "*.jpg"]) == 0
    assert read_names(capsys) == ["b.png", "c [1].jpg"]
    # A name that is there is meant as it stands.
    assert main(["predict", trained, "c [1].jpg"]) == 0
    assert read_names(capsys) == ["c [1].jpg"]


def test_what_cannot_be_read_keeps_nothing_from_being_read(trained, pictures, capsys):
    (pictures / "d.png").write_bytes((pictures / "b.png").read_bytes()[:200])
    (pictures / "e.png").write_text("no picture")
    (pictures / "empty").mkdir()
    arguments = [pictures / "none.png", pictures / "*.bmp", pictures / "empty", pictures]
    assert main(["predict", trained, *map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert [line.split(": ")[0] for line in out.splitlines()] == [
        str(pictures / name) for name in ("a.PNG", "b.png", "c [1].jpg")
    ]
    complaints = err.splitlines()
    assert all(line.startswith("cnet: error: ") for line in complaints)
    assert [line.removeprefix("cnet: error: ").split(": ")[0] for line in complaints] == [
        str(pictures / name) for name in ("none.png", "*.bmp", "empty", "d.png", "e.png")
    ]


def test_a_home_folder_is_expanded(trained, pictures, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(pictures.parent))
    monkeypatch.setenv("USERPROFILE", str(pictures.parent))
    shutil.copy(os.path.join(trained, "model.safetensors"), pictures.parent / "net.safetensors")
    assert main(["predict", "~/net.safetensors", "~/pictures/b.png", "~/pictures/*.jpg"]) == 0
    assert read_names(capsys) == ["b.png", "c [1].jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_do_not_control_the_terminal(trained, pictures, capsys):
    name = "\x1b[31mred\r\nb.png: 7 (100.00 %)\u202e\x9b2J\x07.png"
    os.rename(pictures / "b.png", pictures / name)
    (pictures / "\x1b]0;title\x07.png").write_text("no picture")
    assert main(["predict", trained, str(pictures)]) == 1
    out, err = capsys.readouterr()
    assert out.count("\n") == 3 and err.count("\n") == 1
    for line in [*out.splitlines(), *err.splitlines()]:
        assert line.isprintable(), line
    assert r"\x1b[31mred\r\nb.png: 7 (100.00 %)\u202e\x9b2J\x07.png: " in out
    # For programs the names are what they are.
    main(["predict", trained, str(pictures), "--json"])
    assert str(pictures / name) in {result["image"] for result in json.loads(capsys.readouterr().out)["results"]}


def test_a_network_that_is_no_numbers(tmp_path, one_error):
    net = cnet.TwoLayerNet(784, 3, 10, rng=0)
    net.params["W2"][...] = np.nan
    net.save(tmp_path / "net")
    assert main(["predict", str(tmp_path / "net"), "x.png"]) == 1
    assert "not all finite" in one_error()


def test_a_network_of_one_class(pictures, capsys, tmp_path):
    cnet.TwoLayerNet(784, 3, 1, rng=0).save(tmp_path / "net")
    assert main(["predict", str(tmp_path / "net"), str(pictures / "b.png")]) == 0
    assert capsys.readouterr().out.endswith("b.png: 0 (100.00 %)\n")
