"""Folders of runs that anybody may have written: each wrong field is named in one line, and nothing is touched."""

import copy
import dataclasses
import json
import os
import shutil

import numpy as np
import pytest

from cnet.cli import main, run_folder
from cnet.cli.settings import Settings
from cnet.model_file import read_model, write_model

# Of wrong types, out of range, not finite, huge, nested: no field can be any of these.
NESTED = {"a": [{"b": [[]]}]}
HOSTILE = [None, True, [], {}, NESTED, "", "\x1b[2Jx\ny\u202e", -1, 10**30, 1e308, float("nan"), float("inf"), [[1]]]
SETTINGS = (
    "data", "checksum", "hidden", "activation", "batch_size", "learning_rate", "sampling", "gradient", "seed",
    "iterations", "iterations_per_epoch",
)
# Those that earlier versions did not know, so that none need be there.
NEWER = tuple(field.name for field in dataclasses.fields(Settings) if field.name not in SETTINGS)
EPOCHS = ("iteration", "train_accuracy", "test_accuracy", "test_loss", "running_accuracy")
# What some fields may well be.
RIGHT = {
    ("settings", "data"): [HOSTILE[6]], ("network", "trained_on"): [...],
    ("settings", "learning_rate"): [1e308, 10**30], ("seconds",): [1e308, 10**30],
}
LARGE, NOTHING = [1e308, 10**30], [None]
RIGHT_NEWER = {
    "weight_init": LARGE + NOTHING, "l2": LARGE, "optimizer_parameters": [{}], "schedule": NOTHING,
    "schedule_parameters": [{}], "clip_norm": LARGE + NOTHING, "max_norm": LARGE + NOTHING, "averaging": NOTHING,
    "validation_split": NOTHING, "early_stop": NOTHING, "early_stop_delta": LARGE,
    "augment": NOTHING, "recipe": NOTHING, "preprocessing": NOTHING,
}
RIGHT |= {("settings", name): [*RIGHT_NEWER.get(name, []), ...] for name in NEWER}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in os.listdir(folder)}


def replaced(tree, path, value):
    """The tree with another value at a path; with Ellipsis, without it."""
    tree = copy.deepcopy(tree)
    *way, last = path
    place = tree
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return tree


def hostile_values(path):
    return [value for value in (*HOSTILE, ...) if value not in RIGHT.get(path, [])]


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a finished run."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    return folder


def fails_naming(capsys, arguments, *names):
    """The command fails with one line that names something, and that no terminal obeys."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "Traceback" not in err, err
    assert all(name in err for name in names), (names, err)
    assert len(err) < 700
    assert err.rstrip("\n").isprintable(), err


PATHS = [("settings",), ("epochs",), ("loss",), ("seconds",), ("state",), ("iterations",)]
PATHS += [("settings", name) for name in SETTINGS + NEWER] + [("epochs", name) for name in EPOCHS]


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_each_field_of_a_history(run, path, capsys):
    right = json.loads((run / "history.json").read_text())
    for value in hostile_values(path):
        (run / "history.json").write_text(json.dumps(replaced(right, path, value)))
        before = contents(run)
        for command in (["plot", str(run), "--only", "curves"], ["evaluate", str(run)]):
            fails_naming(capsys, command, "history.json", ".".join(path))
        assert contents(run) == before


def test_each_number_of_a_history(run, capsys):
    right = json.loads((run / "history.json").read_text())
    for name in ("loss", *(("epochs", name) for name in EPOCHS)):
        path = (name,) if isinstance(name, str) else name
        for value in ("0.5", True, [], {}, float("nan"), float("-inf"), 10**400):
            tree = replaced(right, (*path, 3), value)
            (run / "history.json").write_text(json.dumps(tree))
            fails_naming(capsys, ["plot", str(run), "--only", "curves"], "history.json", "")
        if name != "loss":
            for other in ([], right["epochs"][path[1]][:-1], right["epochs"][path[1]] * 2):
                (run / "history.json").write_text(json.dumps(replaced(right, path, other)))
                fails_naming(capsys, ["evaluate", str(run)], "epochs.")
    for accuracy in (-0.1, 1.5):
        (run / "history.json").write_text(json.dumps(replaced(right, ("epochs", "test_accuracy", 0), accuracy)))
        fails_naming(capsys, ["evaluate", str(run)], "epochs.test_accuracy must be shares from 0 to 1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"), ("nonsense", "not JSON"), ("[]", "must be an object"), ("7", "must be an object"),
        ("[" * 100_000, "nested"), ('{"state": ' * 50_000, "nested"), ('{"seconds": 1' + "0" * 5000 + "}", "seconds"),
        ('{"state": "finished", "state": "finished"}', "twice"), ("\xff\xfe", "history.json"),
    ],
)
def test_a_history_that_is_none(run, text, message, capsys):
    (run / "history.json").write_text(text, encoding="latin-1")
    fails_naming(capsys, ["evaluate", str(run)], "history.json", message)
    fails_naming(capsys, ["plot", str(run), "--only", "curves"], "history.json", message)


def test_a_huge_history_is_refused_by_its_size(run, capsys, monkeypatch):
    os.truncate(run / "history.json", 20 << 30)
    monkeypatch.setattr(run_folder, "read_pieces", None)
    fails_naming(capsys, ["evaluate", str(run)], "history.json", "21,474,836,480 bytes")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(run, capsys):
    for name, command in (("history.json", "evaluate"), ("checkpoint.safetensors", "train")):
        (run / name).unlink()
        os.mkfifo(run / name)
        fails_naming(capsys, [command, *(["--resume"] if command == "train" else []), str(run)], name, "pipe")


def checkpoint_with(folder, change):
    """Rewrite the checkpoint with its checksum right, as whoever crafts one would."""
    path = folder / "checkpoint.safetensors"
    tensors, metadata = read_model(path)
    tree = {name: json.loads(text) for name, text in metadata.items()}
    change(tensors, tree)
    write_model(path, tensors, {name: json.dumps(value) for name, value in tree.items()})


CHECKPOINT_PATHS = [("settings",), ("network",), ("seconds",)] + [("settings", name) for name in SETTINGS + NEWER]
CHECKPOINT_PATHS += [("network", name) for name in ("sizes", "activation", "dtype", "seed", "epochs", "iterations")]
CHECKPOINT_PATHS.append(("network", "trained_on"))


@pytest.mark.parametrize("path", CHECKPOINT_PATHS, ids=".".join)
def test_each_field_of_a_checkpoint(run, path, capsys):
    original = (run / "checkpoint.safetensors").read_bytes()
    for value in hostile_values(path):
        (run / "checkpoint.safetensors").write_bytes(original)

        def change(tensors, tree, value=value):
            changed = replaced(tree, path, value)
            tree.clear()
            tree.update(changed)

        checkpoint_with(run, change)
        before = contents(run)
        fails_naming(capsys, ["train", "--resume", str(run), "--epochs", "20"], "checkpoint", path[-1])
        assert contents(run) == before


CRAFTED = {
    "int-like type": lambda tensors, tree: tensors.update(W1=tensors["W1"].astype(np.float64)),
    "another shape": lambda tensors, tree: tensors.update(b1=tensors["b1"][:-1]),
    "no W2": lambda tensors, tree: tensors.pop("W2"),
    "a size of 0": lambda tensors, tree: tree["network"].update(sizes=[784, 0, 10]),
    "huge sizes": lambda tensors, tree: tree["network"].update(sizes=[2**31 - 1] * 3),
    "four sizes": lambda tensors, tree: tree["network"].update(sizes=[784, 50, 10, 10]),
    "a float as size": lambda tensors, tree: tree["network"].update(sizes=[784.0, 50, 10]),
    "no losses": lambda tensors, tree: tensors.pop("loss"),
    "a table of losses": lambda tensors, tree: tensors.update(loss=tensors["loss"].reshape(-1, 7)),
    "too few losses": lambda tensors, tree: tensors.update(loss=tensors["loss"][:-1]),
    "a loss that is NaN": lambda tensors, tree: tensors["loss"].__setitem__(3, np.nan),
    "ends of no epochs": lambda tensors, tree: tensors.update(iteration=tensors["iteration"] + 0.5),
    "other ends": lambda tensors, tree: tensors.update(iteration=tensors["iteration"][::-1].copy()),
    "negative accuracy": lambda tensors, tree: tensors.update(test_accuracy=-tensors["test_accuracy"]),
    "fewer accuracies": lambda tensors, tree: tensors.update(train_accuracy=tensors["train_accuracy"][1:]),
    "another epoch": lambda tensors, tree: tree["network"].update(epochs=5),
    "another activation": lambda tensors, tree: tree["network"].update(activation="tanh"),
    "longer epochs": lambda tensors, tree: tree["settings"].update(batch_size=50),
    "a batch of more than all": lambda tensors, tree: tree["settings"].update(batch_size=701, sampling="shuffle"),
    "another order of sizes": lambda tensors, tree: (
        tree["network"].update(sizes=[392, 100, 10]), tensors.update(W1=np.zeros((392, 100), np.float32)),
    ),
}


@pytest.mark.parametrize("change", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_crafted_checkpoint(run, change, capsys):
    checkpoint_with(run, change)
    before = contents(run)
    fails_naming(capsys, ["train", "--resume", str(run), "--epochs", "20"], "checkpoint")
    assert contents(run) == before
    for name in ("model.safetensors", "history.json"):
        (run / name).unlink()
    assert main(["evaluate", str(run)]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


def test_many_wrong_fields_are_one_line(run, capsys):
    tree = json.loads((run / "history.json").read_text())
    tree["settings"] = {name: [] for name in SETTINGS}
    tree["loss"] = tree["epochs"] = None
    (run / "history.json").write_text(json.dumps(tree))
    fails_naming(capsys, ["evaluate", str(run)], "settings.data", "settings.hidden", "more")


def test_other_data_can_be_named_where_the_history_is_damaged(run, data, capsys):
    (run / "history.json").write_text("nonsense")
    assert main(["evaluate", str(run), "--data", data]) == 0
