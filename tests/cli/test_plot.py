"""``cnet plot``: pictures of runs."""

import json
import os
import shutil
import sys

import pytest

from cnet.cli import main, pictures

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


@pytest.mark.draws
@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_of_runs(trained, tmp_path, capsys):
    """Two runs of one name do not overwrite each other; no name is taken for a formula, or left out."""
    names = ["a/run", "b/run", "$\\frac$", "_hidden"]
    for name in names:
        (tmp_path / name).mkdir(parents=True)
        for file in ("model.safetensors", "history.json"):
            shutil.copy(os.path.join(trained, file), tmp_path / name)
    runs = [str(tmp_path / name) for name in names]
    pictures = tmp_path / "pictures"
    assert main(["plot", *runs, runs[0], "--only", "curves", "--out", str(pictures)]) == 0
    assert sorted(os.listdir(pictures)) == sorted(
        ["run-curves.png", "run-2-curves.png", "$\\frac$-curves.png", "_hidden-curves.png", "comparison.png"]
    )
    assert not capsys.readouterr().err


@pytest.mark.draws
def test_a_backend_of_the_users_does_not_matter(data, tmp_path, python):
    """Pictures go into files: a backend for windows is not needed, and nonsense in MPLBACKEND is no error."""
    for backend in ("nonsense", "TkAgg", ""):
        done = python(
            "-c", "import os, sys; from cnet.cli import main; status = main(sys.argv[1:]); "
            "print('left:', os.environ['MPLBACKEND']); sys.exit(status)",
            "train", "--data", data, "--epochs", "1", "--out", tmp_path / "run",
            env={**os.environ, "MPLBACKEND": backend},
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "run" / "curves.png").read_bytes().startswith(PNG)
        assert done.stdout.splitlines()[-1] == f"left: {backend}"
        (tmp_path / "run" / "curves.png").unlink()


@pytest.mark.draws
def test_a_run_that_diverged_has_curves(data, tmp_path, train, capsys):
    assert train(data, tmp_path, "--activation", "relu", "--learning-rate", "1e30") == 1
    (tmp_path / "curves.png").unlink()
    assert main(["plot", str(tmp_path), "--only", "curves"]) == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)


@pytest.mark.draws
def test_what_cannot_be_drawn_is_named(trained, tmp_path, monkeypatch, one_error):
    """Of numbers near the largest ones matplotlib computes no ticks: what it raises is told with the picture."""
    import cnet.plots

    def fail(*_, **__):
        raise ValueError("arange: cannot compute length")

    shutil.copytree(trained, tmp_path / "run")
    before = (tmp_path / "run" / "curves.png").read_bytes()
    monkeypatch.setattr(cnet.plots, "loss_curve", fail)
    assert main(["plot", str(tmp_path / "run"), "--only", "curves"]) == 1
    assert "curves.png: matplotlib cannot draw it: arange: cannot compute length" in one_error()
    assert (tmp_path / "run" / "curves.png").read_bytes() == before


@pytest.mark.parametrize("broken", [ValueError("no"), OSError(28, "No space left on device", "curves.png")])
def test_a_picture_that_fails_takes_nothing_with_it(data, tmp_path, train, monkeypatch, one_error, broken):
    def fail(record, path):
        raise broken

    monkeypatch.setattr(pictures, "write_curves", fail)
    assert train(data, tmp_path, "--epochs", "2") == 1
    one_error()
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.safetensors", "history.json", "model.safetensors"]
    assert main(["evaluate", str(tmp_path)]) == 0
