"""``cnet plot``: pictures of runs."""

import json
import os

import pytest

from cnet.cli import main

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.draws
def test_plot(train, trained, data, tmp_path, capsys):
    names = ["curves.png", "weights.png", "confusion.png", "misread.png"]
    assert main(["plot", trained, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [os.path.join(trained, name) for name in names]
    for name in names:
        with open(os.path.join(trained, name), "rb") as file:
            assert file.read(8) == PNG
    train(data, tmp_path / "other", "--iterations", "9")
    pictures = tmp_path / "pictures"
    assert main(["plot", trained, str(tmp_path / "other"), "--out", str(pictures), "--dark"]) == 0
    assert sorted(os.listdir(pictures)) == sorted(
        [f"{run}-{name}" for run in ("run", "other") for name in names] + ["comparison.png"]
    )
