"""``cnet digits``: drawn digits as a picture and as files."""

import json

import numpy as np
import pytest

import cnet
from cnet.cli import main


def test_digits(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    assert main(["digits", str(tmp_path / "d.png"), "--count", "6", "--seed", "4", "--json"]) == 0
    x, t = cnet.datasets.make_digits(6, rng=4)
    assert json.loads(capsys.readouterr().out)["labels"] == t.tolist()
    with image.open(tmp_path / "d.png") as picture:
        sheet = np.asarray(picture)
    # Three to a row, with gaps of two pixels around each.
    assert sheet.shape == (2 * 30 + 2, 3 * 30 + 2)
    np.testing.assert_array_equal(sheet[32:60, 62:90], x[5].reshape(28, 28))

    assert main(["digits", str(tmp_path / "d"), "--count", "30", "--test-count", "20", "--seed", "4"]) == 0
    (x_train, t_train), (x_test, t_test) = cnet.datasets.load_mnist(
        normalize=False, data_home=tmp_path / "d", download=False
    )
    x, t = cnet.datasets.make_digits(50, rng=4)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x)
    np.testing.assert_array_equal(np.concatenate([t_train, t_test]), t)


def test_a_name_that_is_no_pictures_makes_no_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = ["--count", "3", "--test-count", "2"]
    for name in ("x.foo", "digits.jpg", "no/x.PDF"):
        assert main(["digits", name, *few]) == 2
        message = f"{name}: a picture's name ends in .png; for a folder of this name write {name}/"
        assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
    (tmp_path / "there.d").mkdir()
    for name in ("x.foo/", "there.d", "digits-1.2", ".digits"):
        assert main(["digits", name, *few]) == 0
        assert len(list((tmp_path / name).iterdir())) == 4
