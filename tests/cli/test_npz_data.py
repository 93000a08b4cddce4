"""``--data`` may be an .npz file as Keras has it."""

import json

import numpy as np

from cnet.cli import main


def test_train_and_evaluate_on_npz(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (20, 3, 4), np.uint8), "y_train": np.arange(20) % 3,
        "x_test": rng.integers(0, 256, (5, 3, 4), np.uint8), "y_test": np.arange(5) % 3,
    }
    np.savez(tmp_path / "set.npz", **arrays)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--data", "set.npz", "--epochs", "1", "--out", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["data"] == str(tmp_path / "set.npz")
    assert main(["train", "--data", "absent.npz"]) == 1
    assert "there is no such file" in capsys.readouterr().err
