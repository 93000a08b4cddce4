"""``cnet page`` and ``cnet draw``: a page that shows a network."""

import json
import os
import shutil
import webbrowser
from pathlib import Path

import pytest

import cnet
from cnet.cli import main


@pytest.fixture
def opened(monkeypatch):
    """What would have been opened in the browser."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


def test_page(trained, tmp_path, capsys, opened):
    path = tmp_path / "digits.html"
    assert main(["page", trained, "-o", str(path), "--title", "My <digits>"]) == 0
    assert capsys.readouterr().out == f"wrote {path}, {os.path.getsize(path) / 1000:,.0f} kB\n"
    text = path.read_text(encoding="utf-8")
    assert "<title>My &lt;digits&gt;</title>" in text
    # The run's own 200 test images.
    assert '"accuracy":{"n":200,"wrong":' in text
    assert opened == []


def test_draw_opens_it(trained, tmp_path, capsys, opened, monkeypatch):
    path = tmp_path / "a page.html"
    assert main(["draw", trained, "-o", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(path)]}
    assert opened == [path.resolve().as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert main(["draw", trained, "-o", str(path)]) == 1
    assert "no browser could be started; open" in capsys.readouterr().err


def test_where_it_is_written(trained, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    assert main(["page", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [str(run / "page.html")]
    net = cnet.MultiLayerNet(2, [3], 1, loss="squared_error", rng=0)
    net.save(tmp_path / "plane.safetensors")
    # No image fits this network, and it needs none.
    assert main(["page", str(tmp_path / "plane.safetensors"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [str(tmp_path / "plane.html")]


def test_errors(trained, data, tmp_path, capsys):
    small = tmp_path / "small.safetensors"
    cnet.TwoLayerNet(5, 3, 2, rng=0).save(small)
    for arguments, message in (
        ([trained, "-o", str(tmp_path)], "path must name the HTML file to write"),
        ([trained, "-o", str(tmp_path / "nowhere" / "page.html")], "path must name a file in a folder that is there"),
        ([str(small), "--data", data], "reads images of 5 pixels"),
        ([str(tmp_path / "missing")], "missing"),
        ([str(tmp_path)], "is not the folder of a run"),
    ):
        assert main(["page", *arguments]) == 1
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["small.safetensors"]
