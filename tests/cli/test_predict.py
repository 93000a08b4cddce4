"""``cnet predict``: the digits in pictures."""

import json
import os
import sys

import numpy as np
import pytest

import cnet
from cnet.cli import main
from cnet.images import read_digit


def test_without_pillow(one_error, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert main(["predict", trained, "x.png"]) == 1
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
