"""What the tests of the command line share."""

import subprocess
import sys
from pathlib import Path

import pytest

import cnet
from cnet.cli import main, pictures

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder of IDX files: 700 digits to train with (7 mini-batches an epoch), 200 to test with."""
    folder = tmp_path_factory.mktemp("data")
    x, t = cnet.datasets.make_digits(900, rng=3)
    images = x.reshape(-1, 28, 28)
    for part, rows in (("train", slice(0, 700)), ("t10k", slice(700, None))):
        cnet.datasets.write_idx(folder / f"{part}-images-idx3-ubyte", images[rows])
        cnet.datasets.write_idx(folder / f"{part}-labels-idx1-ubyte.gz", t[rows])
    return str(folder)


@pytest.fixture(scope="session")
def _finished_run(data, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("runs") / "run")
    options = ["--activation", "relu", "--learning-rate", "0.5", "--epochs", "12", "--out", folder]
    assert main(["train", "--data", data, *options]) == 0
    return folder


@pytest.fixture
def trained(_finished_run, capsys):
    """A run that is finished; tests read it only."""
    capsys.readouterr()
    return _finished_run


@pytest.fixture(autouse=True)
def quick_pictures(request, monkeypatch):
    """A picture takes longer than the training here: only tests of pictures draw any."""
    if "draws" not in request.keywords:
        monkeypatch.setattr(pictures, "write_curves", lambda record, path: Path(path).write_bytes(PNG))


@pytest.fixture(scope="session")
def train():
    """Train a small network into a folder."""

    def run(data, folder, *options):
        return main(["train", "--data", data, "--hidden", "11", "--out", str(folder), *options])

    return run


@pytest.fixture(scope="session")
def python():
    """Run a Python to its end."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
        )

    return run


@pytest.fixture(scope="session")
def model_bytes():
    """What is in a run's model file."""
    return lambda folder: (Path(folder) / "model.safetensors").read_bytes()


@pytest.fixture
def one_error(capsys):
    """What is on standard error, which must be one line, and no traceback."""

    def read():
        err = capsys.readouterr().err
        assert err.count("\n") == 1, err
        assert "error: " in err and "Traceback" not in err
        return err

    return read
