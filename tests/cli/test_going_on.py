"""``cnet train --resume`` with every option: the same bits as a run that was not interrupted."""

import json
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.cli import main, session
from cnet.cli.run_folder import read_checkpoint, read_record
from cnet.cli.training_options import HYPER, OF_SCHEDULES, OPTIONS, SCHEDULE_PARAMETERS, flag_of
from cnet.model_file import read_model
from cnet.optimizers import OPTIMIZERS
from cnet.schedules import SCHEDULES

EPOCHS = 5
# What is tried of each option beside the plain run: with it alone, and with Adam, whose state has more to go wrong.
TRIED = {
    "hidden": "9", "layers": "9,8", "activation": "gelu", "weight_init": "he", "batch_size": "90",
    "sampling": "shuffle", "gradient": "backprop", "seed": "3", "optimizer": "adamw", "learning_rate": "0.05",
    "momentum": "0.7", "epsilon": "1e-5", "decay_rate": "0.9", "beta1": "0.8", "beta2": "0.99", "schedule": "one-cycle",
    "warmup": "9", "schedule_every": "0.3", "schedule_factor": "0.3", "schedule_final": "0.1", "weight_decay": "0.1",
    "l2": "0.001", "dropout": "0.3", "input_dropout": "0.1", "input_noise": "0.3", "adversarial": "0.1",
    "label_smoothing": "0.1",
    "clip_norm": "0.5",
    "max_norm": "0.4", "averaging": "0.9", "early_stop": "2", "early_stop_metric": "loss", "early_stop_delta": "0.5",
    "validation_split": "0.3", "augment": "rotation=20", "recipe": "accurate",
}
NEEDS = {
    "momentum": ["--optimizer", "momentum"], "epsilon": ["--optimizer", "rmsprop"],
    "decay_rate": ["--optimizer", "rmsprop"], "beta1": ["--optimizer", "adam"], "beta2": ["--optimizer", "adam"],
    "schedule_every": ["--schedule", "step"], "schedule_factor": ["--schedule", "step"],
    "schedule_final": ["--schedule", "exponential"], "weight_decay": ["--optimizer", "adamw"],
    "early_stop_metric": ["--early-stop", "1"], "early_stop_delta": ["--early-stop", "3"],
}
# Parameters of optimizers and schedules that came later.
LATER = [
    (flag, option, values)
    for flag, names, table in (("--optimizer", {name: name for name in HYPER}, HYPER),
                               ("--schedule", SCHEDULE_PARAMETERS, OF_SCHEDULES))
    for option, name in names.items() if option not in TRIED for values in [table[name]]
]
for later_flag, later_option, later_values in LATER:
    NEEDS[later_option] = [later_flag, next(iter(later_values))]
    TRIED[later_option] = str(next(iter(later_values.values())) / 2)
TOGETHER = [
    "--layers", "9,8,7", "--activation", "gelu,tanh,relu", "--optimizer", "adam", "--schedule", "cosine",
    "--warmup", "0.2", "--dropout", "0.2,0.1,0", "--input-dropout", "0.1", "--input-noise", "0.2",
    "--label-smoothing", "0.1", "--clip-norm", "1", "--max-norm", "2",
    "--averaging", "0.9", "--early-stop", "3", "--weight-decay", "0.001", "--sampling", "shuffle",
]


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """A folder of IDX files: 300 digits to train with, 50 to test with."""
    folder = tmp_path_factory.mktemp("few")
    assert main(["digits", str(folder), "--count", "300", "--test-count", "50"]) == 0
    return str(folder)


@pytest.fixture
def run(few, tmp_path, monkeypatch):
    """Train in one go, and in two sessions, of which the first is interrupted after so many whole epochs."""
    end_epoch = session.Session.end_epoch

    def both(options, after, last=()):
        length = ["--epochs", str(EPOCHS)] if not last else list(last)
        size = [] if {"--layers", "--hidden"} & set(options) else ["--hidden", "9"]
        command = ["train", "--data", few, *size, *options, *length]
        assert main([*command, "--out", str(tmp_path / "whole")]) == 0

        def interrupted(self, info):
            end_epoch(self, info)
            if info.epoch == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(session.Session, "end_epoch", interrupted)
            assert main([*command, "--out", str(tmp_path / "parts")]) == 130
        assert read_record(str(tmp_path / "parts")).state == "interrupted"
        assert main(["train", "--resume", str(tmp_path / "parts"), "--threads", "1"]) == 0
        return tmp_path / "whole", tmp_path / "parts"

    return both


def assert_same(whole, parts):
    """Models to the byte; of checkpoints and histories all but the time that training took."""
    one, other = ((folder / "model.safetensors").read_bytes() for folder in (whole, parts))
    assert one == other
    (tensors, metadata), (others, other_metadata) = (
        read_model(str(folder / "checkpoint.safetensors")) for folder in (whole, parts)
    )
    assert set(tensors) == set(others)
    for name, array in tensors.items():
        assert array.tobytes() == others[name].tobytes(), name
    for each in (metadata, other_metadata):
        each.pop("seconds")
    assert metadata == other_metadata
    histories = [json.loads((folder / "history.json").read_text()) for folder in (whole, parts)]
    for each in histories:
        del each["seconds"], each["samples_per_second"]
    assert histories[0] == histories[1]


def test_every_option_is_tried():
    # Preprocessing is for committees: test_recipes.
    assert {*TRIED, "preprocessing"} == {option.name for option in OPTIONS}


@pytest.mark.parametrize("option", list(TRIED))
def test_with_each_option(run, option):
    assert_same(*run([flag_of(option), TRIED[option], *NEEDS.get(option, [])], 2))


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("averaging", [[], ["--averaging", "0.8"]], ids=["raw", "average"])
def test_with_each_optimizer(run, optimizer, averaging):
    assert_same(*run(["--optimizer", optimizer, "--sampling", "shuffle", *averaging], 3))


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_with_each_schedule(run, schedule):
    # The last part of an epoch, too, and a warmup that is interrupted.
    assert_same(*run(["--schedule", schedule, "--warmup", "5", "--optimizer", "momentum"], 1, ["--iterations", "13"]))


@pytest.mark.parametrize("after", [1, 2, 4])
def test_with_all_together(run, after):
    assert_same(*run(TOGETHER, after))


def test_the_optimizers_state_is_in_the_checkpoint(run):
    """The steps of both sessions, and arrays that are not 0 any more."""
    whole, parts = run(["--optimizer", "adam", "--averaging", "0.9"], 2)
    tensors, metadata = read_model(str(parts / "checkpoint.safetensors"))
    assert json.loads(metadata["optimizer"]) == {"name": "adam", "steps": 3 * EPOCHS}
    for name in ("optimizer.0.W1", "optimizer.1.b2", "raw.W2"):
        assert tensors[name].any()
    assert not np.array_equal(tensors["raw.W2"], tensors["W2"])


def test_a_run_that_stops_early(run, few, tmp_path, capsys):
    """It keeps the best network, goes on waiting where it was, and is not trained any further."""
    options = ["--optimizer", "adam", "--learning-rate", "0.05", "--early-stop", "3"]
    whole, parts = run(options, 4, ["--epochs", "60"])
    assert_same(whole, parts)
    record = read_record(str(parts))
    assert record.state == "stopped" and record.best.waited == 3
    assert len(record.measured) == record.best.epoch + 3 < 60
    # By a fit of its own: the rows that are held out come from the seed alone.
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=few)
    net = cnet.TwoLayerNet(784, 9, 10, 0.01, rng=0)
    stopping = cnet.EarlyStopping(patience=3)
    history = net.fit(x, t, epochs=60, optimizer="adam", learning_rate=0.05, validation_split=0.1,
                      early_stopping=stopping)
    assert history.iterations == record.iterations and stopping.epoch == record.best.epoch
    assert [row.validation_loss for row in record.measured] == history.validation_loss.tolist()
    model = cnet.load(parts / "model.safetensors")
    assert model.params == net.params
    capsys.readouterr()
    before = (parts / "model.safetensors").read_bytes()
    assert main(["train", "--resume", str(parts), "--epochs", "80"]) == 0
    assert "stopped after 3 epochs without an improvement" in capsys.readouterr().out
    assert (parts / "model.safetensors").read_bytes() == before
    # From the checkpoint alone, too.
    for name in ("model.safetensors", "history.json"):
        (parts / name).unlink()
    assert main(["train", "--resume", str(parts)]) == 0
    assert (parts / "model.safetensors").read_bytes() == before
    assert read_record(str(parts)).state == "stopped"


def test_a_longer_schedule_is_told(few, tmp_path, capsys):
    folder = str(tmp_path)
    options = ["--hidden", "4", "--schedule", "linear", "--epochs", "2"]
    assert main(["train", "--data", few, *options, "--out", folder]) == 0
    capsys.readouterr()
    assert main(["train", "--resume", folder, "--epochs", "4"]) == 0
    assert "the schedule linear now has 12 iterations instead of 6" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [(name, value) for name, value in TRIED.items() if name != "gradient"])
def test_an_option_cannot_change(few, tmp_path, one_error, capsys, option, value):
    folder = str(tmp_path)
    assert main(["train", "--data", few, "--hidden", "4", "--iterations", "1", "--out", folder]) == 0
    before = Path(folder, "checkpoint.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["train", "--resume", folder, "--iterations", "4", flag_of(option), value]) == 2
    assert f"{flag_of(option)} {float(value) if option == 'epsilon' else value}: the run in" in one_error()
    assert Path(folder, "checkpoint.safetensors").read_bytes() == before


DAMAGES = {
    "no state": lambda tensors, tree: tree.pop("optimizer"),
    "another optimizer": lambda tensors, tree: tree["optimizer"].update(name="sgd"),
    "other steps": lambda tensors, tree: tree["optimizer"].update(steps=1),
    "an array less": lambda tensors, tree: tensors.pop("optimizer.1.W2"),
    "another shape": lambda tensors, tree: tensors.update({"optimizer.0.W1": tensors["W2"]}),
    "no raw parameters": lambda tensors, tree: tensors.pop("raw.b1"),
    "raw parameters of another type": lambda tensors, tree: tensors.update({"raw.b1": np.zeros(4)}),
    "no best parameters": lambda tensors, tree: tensors.pop("best.W2"),
    "best parameters that are not finite": lambda tensors, tree: tensors.update({"best.b1": tensors["b1"] * np.nan}),
    "no early stopping": lambda tensors, tree: tree.pop("early_stopping"),
    "a negative wait": lambda tensors, tree: tree["early_stopping"].update(waited=-1),
    "a parameter that Adam lacks": lambda tensors, tree: tree["settings"]["optimizer_parameters"].update(momentum=0.9),
    "a parameter out of range": lambda tensors, tree: tree["settings"]["optimizer_parameters"].update(beta1=1.5),
    "a warmup out of range": lambda tensors, tree: tree["settings"]["schedule_parameters"].update(warmup=-1),
    "an unknown optimizer": lambda tensors, tree: tree["settings"].update(optimizer="nonsense"),
    "three activations": lambda tensors, tree: tree["settings"].update(activation=["relu", "tanh", "relu"]),
    "no augmentation": lambda tensors, tree: tree["settings"].update(augment="rotation=x"),
    "an augmentation that is no text": lambda tensors, tree: tree["settings"].update(augment={"rotation": 5}),
    "a dropout of 1": lambda tensors, tree: tree["settings"].update(dropout=1.0),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_checkpoint_is_refused(few, tmp_path, one_error, capsys, damage):
    from cnet.model_file import write_model

    options = ["--layers", "4,3", "--optimizer", "adam", "--schedule", "cosine", "--averaging", "0.9"]
    options += ["--early-stop", "3"]
    assert main(["train", "--data", few, *options, "--epochs", "2", "--out", str(tmp_path)]) == 0
    path = str(tmp_path / "checkpoint.safetensors")
    tensors, metadata = read_model(path)
    tensors = {name: array.copy() for name, array in tensors.items()}
    tree = {name: json.loads(value) for name, value in metadata.items()}
    DAMAGES[damage](tensors, tree)
    write_model(path, tensors, {name: json.dumps(value) for name, value in tree.items()})
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path), "--epochs", "3"]) == 1
    assert "is not a checkpoint of this version" in one_error()


def test_checkpoints_of_earlier_versions(few, tmp_path, model_bytes):
    """They know nothing of what was added since."""
    from cnet.model_file import write_model

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder, epochs in ((whole, "3"), (parts, "2")):
        assert main(["train", "--data", few, "--hidden", "5", "--epochs", epochs, "--out", str(folder)]) == 0
    path = str(parts / "checkpoint.safetensors")
    tensors, metadata = read_model(path)
    tree = {name: json.loads(value) for name, value in metadata.items()}
    own = ("data", "checksum", "hidden", "activation", "batch_size", "learning_rate", "sampling", "gradient", "seed",
           "iterations", "iterations_per_epoch")
    tree["settings"] = {name: tree["settings"][name] for name in own}
    del tree["network"]["first_layer"]
    write_model(path, tensors, {name: json.dumps(value) for name, value in tree.items()})
    assert main(["train", "--resume", str(parts), "--epochs", "3"]) == 0
    assert model_bytes(parts) == model_bytes(whole)
    assert read_checkpoint(str(parts))[1].settings.optimizer == "sgd"
