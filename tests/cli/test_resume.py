"""``cnet train --resume``: the same bits as a run that was not cut off."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cnet
from cnet.cli import main
from cnet.cli.run_folder import read_checkpoint, read_record

FILES = ["checkpoint.safetensors", "curves.png", "history.json", "model.safetensors"]


@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
@pytest.mark.parametrize(("first", "then"), [(["--iterations", "17"], 30), (["--epochs", "2"], 21), ([], 7)])
def test_resuming_gives_the_same_bits(train, model_bytes, data, tmp_path, sampling, first, then):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = ["--sampling", sampling, "--batch-size", "100", "--seed", "2"]
    assert train(data, whole, "--iterations", str(then), *common) == 0
    assert train(data, parts, *(first or ["--iterations", "3"]), *common) == 0
    assert main(["train", "--resume", str(parts), "--iterations", str(then), "--threads", "1"]) == 0
    assert model_bytes(parts) == model_bytes(whole)
    one, other = (json.loads((folder / "history.json").read_text()) for folder in (whole, parts))
    for key in ("loss", "epochs", "settings", "iterations"):
        assert one[key] == other[key]


def test_resuming_after_a_kill_gives_the_same_bits(train, model_bytes, data, tmp_path):
    """As if the process had died within the third epoch: only the checkpoint is there."""
    assert train(data, tmp_path / "whole", "--epochs", "4") == 0
    assert train(data, tmp_path / "killed", "--epochs", "2") == 0
    for name in ("model.safetensors", "history.json", "curves.png"):
        (tmp_path / "killed" / name).unlink()
    assert main(["evaluate", str(tmp_path / "killed"), "--data", data]) == 0
    assert len(read_record(str(tmp_path / "killed")).loss) == 14
    assert main(["train", "--resume", str(tmp_path / "killed"), "--epochs", "4"]) == 0
    assert model_bytes(tmp_path / "killed") == model_bytes(tmp_path / "whole")


def test_resuming_a_finished_run_leaves_it(train, data, tmp_path, capsys):
    train(data, tmp_path, "--iterations", "9")
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    assert main(["train", "--resume", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 9


def test_resuming_keeps_settings_and_data(train, one_error, data, tmp_path, capsys):
    train(data, tmp_path / "run", "--iterations", "9")
    run = str(tmp_path / "run")
    capsys.readouterr()
    assert main(["train", "--resume", run, "--hidden", "12"]) == 2
    assert "--hidden 12: the run in" in one_error()
    assert main(["train", "--resume", run, "--out", str(tmp_path)]) == 2
    assert "--out" in one_error()
    assert main(["train", "--resume", run, "--iterations", "3"]) == 2
    assert "7 iterations already" in one_error()
    other = str(tmp_path / "other")
    assert main(["digits", other, "--count", "700", "--test-count", "10"]) == 0
    capsys.readouterr()
    assert main(["train", "--resume", run, "--data", other]) == 1
    assert "not the images" in one_error()
    assert main(["train", "--resume", run, "--hidden", "11", "--data", data, "--iterations", "21"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_the_model_and_can_be_resumed(model_bytes, data, tmp_path):
    folder = tmp_path / "run"
    command = ["-m", "cnet", "train", "--data", data, "--epochs", "1000000", "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch   3"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.startswith("interrupted: ") and str(folder / "model.safetensors") in err
    assert sorted(os.listdir(folder)) == FILES
    record, (_, checkpoint) = read_record(str(folder)), read_checkpoint(str(folder))
    assert record.state == "interrupted"
    assert 21 <= checkpoint.iterations <= record.iterations < checkpoint.iterations + 14
    model = cnet.load(folder / "model.safetensors")
    assert model.iterations == record.iterations

    epochs = checkpoint.iterations // 7 + 2
    assert main(["train", "--resume", str(folder), "--epochs", str(epochs)]) == 0
    uninterrupted = ["--data", data, "--epochs", str(epochs), "--out", str(tmp_path / "whole")]
    assert main(["train", *uninterrupted]) == 0
    assert model_bytes(folder) == model_bytes(tmp_path / "whole")


def test_a_model_is_no_checkpoint(model_bytes, one_error, trained, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(model_bytes(trained))
    assert main(["train", "--resume", str(tmp_path)]) == 1
    assert "not a checkpoint" in one_error()


def test_results_that_are_missing_or_damaged_are_written_again(data, tmp_path, capsys, train):
    """A finished run has all it needs for them in its checkpoint."""
    assert train(data, tmp_path, "--epochs", "3") == 0
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    for name in ("model.safetensors", "history.json", "curves.png"):
        for damage in (Path.unlink, lambda path: path.write_bytes(b"nonsense")):
            if name == "curves.png" and damage is not Path.unlink:
                continue
            damage(tmp_path / name)
            capsys.readouterr()
            assert main(["train", "--resume", str(tmp_path)]) == 0
            out = capsys.readouterr().out
            assert "is finished" in out and f"wrote {tmp_path / name}" in out
            after = {name: (tmp_path / name).read_bytes() for name in FILES}
            assert after == before


def test_a_longer_model_than_is_asked_for_stays(data, tmp_path, capsys, train, model_bytes):
    """The last part of an epoch is in the model, not in the checkpoint."""
    assert train(data, tmp_path, "--iterations", "17") == 0
    before = model_bytes(tmp_path)
    assert main(["train", "--resume", str(tmp_path), "--iterations", "14"]) == 0
    assert model_bytes(tmp_path) == before
    # Without the model that part is trained again, to the same bits.
    (tmp_path / "model.safetensors").unlink()
    assert main(["train", "--resume", str(tmp_path)]) == 0
    assert model_bytes(tmp_path) == before
