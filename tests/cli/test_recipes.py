"""``cnet train --recipe`` and ``--networks``: a recipe's bits, what takes its place, committees that go on."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet import recipes
from cnet.augment import Distort
from cnet.cli import main
from cnet.cli.augmentation import augment_of, text_of
from cnet.cli.choices import chosen_settings
from cnet.cli.options import Parser
from cnet.cli.recipe import with_recipe
from cnet.cli.run_folder import COMMITTEE
from cnet.cli.settings import Settings
from cnet.cli.train import add_to
from cnet.cli.words import run_text
from cnet.preprocess import Normalize

RECIPES = recipes.RECIPES


def settings_of(*options):
    """The settings that options ask for, without a run."""
    parser = Parser(prog="cnet")
    add_to(parser.add_subparsers())
    args = with_recipe(parser.parse_args(["train", *options]))
    chosen = chosen_settings(args)
    settings = Settings(**chosen, data="", checksum=0, iterations_per_epoch=1, iterations=1)
    return settings, args


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_becomes_settings(recipe):
    settings, args = settings_of("--recipe", recipe.name)
    assert settings.layers == recipe.hidden and settings.activations == (recipe.activation,) * len(recipe.hidden)
    assert settings.weight_init == recipe.weight_init_std and settings.recipe == recipe.name
    expected = recipe.fit_options()
    assert (args.epochs, args.iterations) == (expected.pop("epochs"), expected.pop("iterations"))
    assert args.networks == recipe.networks
    made = settings.fit_options() | {"schedule": settings.schedule_object()}
    assert {name: made[name] for name in expected} == expected


def test_the_chapters_recipe_is_what_the_command_does_without_one():
    one, other = settings_of("--recipe", "chapter")[0], settings_of()[0]
    assert dataclasses.replace(one, recipe=None) == other


@pytest.mark.parametrize("augment", [
    Distort(), Distort(rotation=0, elastic=0.5, sigma=1e-3), Distort(shift=1e-7, scale=0.1 + 0.2, background=-1.5),
    Distort(limits={6: {"rotation": 5, "shear": 0.25}, 9: {"scale": 0}}, cut_out=7, mixup=0.3),
])
def test_a_distortion_in_words_and_back(augment):
    assert augment_of(text_of(augment)) == augment


@pytest.mark.parametrize("name", ["fastest", "fast", "plain", "accurate"])
def test_a_run_is_what_the_recipe_trains(name, data, tmp_path):
    options = ["--hidden", "11", "--epochs", "2", "--seed", "4", "--out", str(tmp_path)]
    assert main(["train", "--data", data, "--recipe", name, *options]) == 0
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    net = dataclasses.replace(RECIPES[name], hidden=[11], epochs=2).train(x, t, rng=4)
    assert cnet.load(tmp_path / "model.safetensors").params == net.params
    assert json.loads((tmp_path / "history.json").read_text())["settings"]["recipe"] == name


OVERRIDES = [
    (["--hidden", "7"], {"hidden": 7}), (["--layers", "7,6"], {"hidden": (7, 6)}),
    (["--layers", "0"], {"hidden": 0, "activation": "sigmoid"}),
    (["--activation", "tanh"], {"activation": "tanh", "weight_init": "xavier"}),
    (["--optimizer", "momentum"], {"learning_rate": 0.1, "optimizer_parameters": {"momentum": 0.9}}),
    (["--optimizer", "adamw", "--beta1", "0.8"], {
        "learning_rate": 0.001,
        "optimizer_parameters": {"beta1": 0.8, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01}}),
    (["--weight-decay", "0.5"], {
        "optimizer_parameters": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.5}}),
    (["--schedule", "step"], {"schedule": "step", "schedule_parameters": {"every": 0.25, "factor": 0.5, "warmup": 0}}),
    (["--warmup", "0.3"], {"schedule": "cosine", "schedule_parameters": {"final": 0.0, "warmup": 0.3}}),
    (["--augment", "rotation=3"], {"augment": "rotation=3"}), (["--dropout", "0.1"], {"dropout": 0.1}),
    (["--batch-size", "50"], {"batch_size": 50}), (["--sampling", "replacement"], {"sampling": "replacement"}),
    (["--early-stop", "3"], {"early_stop": 3, "validation_split": 0.1}),
]


@pytest.mark.parametrize(("options", "expected"), OVERRIDES, ids=lambda value: " ".join(map(str, value))[:30])
def test_options_besides_take_the_place_of_the_recipes_own(options, expected):
    plain, other = settings_of("--recipe", "accurate")[0], settings_of("--recipe", "accurate", *options)[0]
    changed = {name: value for name, value in dataclasses.asdict(other).items()
               if value != dataclasses.asdict(plain)[name]}
    allowed = {"optimizer": "momentum"} if "momentum" in options else {}
    assert {**expected, **allowed}.items() >= changed.items()
    assert {name: getattr(other, name) for name in expected} == expected


@pytest.mark.parametrize(("given", "kept"), [
    ([], (120, None)), (["--epochs", "3"], (3, None)), (["--iterations", "3"], (None, 3)),
])
def test_the_length(given, kept):
    args = settings_of("--recipe", "accurate", *given)[1]
    assert (args.epochs, args.iterations) == kept


CONFLICTS = [
    (["--momentum", "0.9"], "--momentum goes with --optimizer momentum or nesterov, not with adamw"),
    (["--schedule-factor", "0.5"], "--schedule-factor goes with --schedule step, not with cosine"),
    (["--gradient", "numerical"], "--gradient: "), (["--activation", "relu,tanh"], "expected one name"),
]


@pytest.mark.parametrize(("options", "message"), CONFLICTS, ids=lambda value: " ".join(value)[:30])
def test_conflicts_are_said_with_the_recipe(options, message, one_error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--recipe", "accurate", *options]) == 2
    error = one_error()
    assert message in error and error.rstrip().endswith("(with --recipe accurate)")
    assert not os.listdir(tmp_path)


def test_a_recipe_that_is_none(one_error, capsys):
    assert main(["train", "--recipe", "best"]) == 2
    assert "--recipe: " in one_error()


def test_a_resumed_run_keeps_its_recipe(data, tmp_path, one_error, capsys):
    options = ["--data", data, "--recipe", "accurate", "--hidden", "11", "--out", str(tmp_path)]
    assert main(["train", *options, "--epochs", "2"]) == 0
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path), "--recipe", "fast"]) == 2
    assert "--recipe fast: the run in" in one_error()
    assert main(["train", "--resume", str(tmp_path), "--recipe", "accurate", "--epochs", "3"]) == 0
    assert main(["info", str(tmp_path)]) == 0
    assert "recipe accurate" in capsys.readouterr().out


# Committees.

SMALL = ["--recipe", "committee", "--hidden", "9", "--epochs", "2"]


@pytest.fixture(scope="module")
def expected(data):
    """The file of a committee of three, by the library alone."""
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    return dataclasses.replace(recipes.COMMITTEE, networks=3, hidden=[9], epochs=2).train(x, t, rng=0)


def same(folder, committee):
    model = cnet.load(Path(folder) / "model.safetensors")
    return [net.params for net in model.networks] == [net.params for net in committee.networks]


def copied(folder, tmp_path, capsys):
    """A copy of a folder, once what was printed on the way to it is forgotten."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    capsys.readouterr()
    return copy


@pytest.fixture(scope="module")
def _committee(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("committee") / "run"
    assert main(["train", "--data", data, *SMALL, "--networks", "3", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(_committee, tmp_path, capsys):
    """A copy of a finished committee of three."""
    return copied(_committee, tmp_path, capsys)


def test_a_committee_is_what_the_recipe_trains(folder, expected, data, capsys):
    assert same(folder, expected)
    assert sorted(os.listdir(folder)) == ["committee.json", "model.safetensors", *(f"network-00{i}" for i in range(3))]
    _, (x, t) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    # Its images are those of the run.
    assert main(["evaluate", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["accuracy"] == expected.accuracy(x, t) and told["data"] == data
    assert main(["evaluate", str(folder / "network-001"), "--json"]) == 0
    alone = cnet.Committee(expected.networks[1:2], expected.preprocessing[1:2])
    assert json.loads(capsys.readouterr().out)["accuracy"] == alone.accuracy(x, t)
    assert main(["info", str(folder)]) == 0
    assert "Committee of 3 networks" in capsys.readouterr().out


def test_networks_without_a_recipe(data, tmp_path, capsys):
    options = ["--data", data, "--networks", "2", "--iterations", "3", "--json", "--out", str(tmp_path / "run")]
    assert main(["train", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["networks"], told["files"]) == ("finished", 2, ["committee.json", "model.safetensors"])
    committee = cnet.load(tmp_path / "run" / "model.safetensors")
    _, (x, t) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    assert told["test_accuracy"] == committee.accuracy(x, t)
    assert told["test_accuracy_alone"] == [net.accuracy(x, t) for net in committee.networks]


def test_a_committee_goes_on_with_what_is_missing(folder, expected, capsys):
    (folder / "model.safetensors").unlink()
    # The third was never begun, the second was killed before its end.
    shutil.rmtree(folder / "network-002")
    shutil.rmtree(folder / "network-001")
    assert main(["evaluate", str(folder)]) == 1
    assert "the committee is not finished; cnet train --resume" in capsys.readouterr().err
    before = (folder / "network-000" / "model.safetensors").stat().st_mtime_ns
    assert main(["train", "--resume", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "network 1 of 3" not in out and "network 2 of 3" in out and "for 1 more" in out
    assert (folder / "network-000" / "model.safetensors").stat().st_mtime_ns == before
    assert same(folder, expected)


def test_a_committee_grows(folder, expected, data, one_error, capsys):
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    assert main(["train", "--resume", str(folder), "--networks", "4"]) == 0
    more = dataclasses.replace(recipes.COMMITTEE, networks=4, hidden=[9], epochs=2).train(x, t, rng=0)
    assert same(folder, more)
    capsys.readouterr()
    assert main(["train", "--resume", str(folder), "--networks", "3"]) == 2
    assert "has 4 networks already" in one_error()
    # All for longer; a schedule is stretched, which a message says.
    assert main(["train", "--resume", str(folder), "--epochs", "3"]) == 0
    assert {net.iterations for net in cnet.load(folder / "model.safetensors").networks} == {18}
    assert json.loads((folder / "committee.json").read_text())["settings"]["iterations"] == 18
    capsys.readouterr()
    assert main(["train", "--resume", str(folder), "--epochs", "2"]) == 2
    assert "18 iterations already" in one_error()


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("which", ["SIGINT", "SIGKILL"])
def test_a_committee_that_is_cut_off_goes_on(which, data, tmp_path):
    folder = tmp_path / "run"
    command = ["-m", "cnet", "train", "--data", data, *SMALL[:4], "--epochs", "300", "--networks", "2"]
    process = subprocess.Popen([sys.executable, *command, "--out", str(folder)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("epoch   9"):
            break
    process.send_signal(getattr(signal, which))
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if which == "SIGINT":
        assert process.returncode == 130
        assert "0 of 2 networks are finished; cnet train --resume" in err and f"--resume {folder} continues" in err
    assert not (folder / "model.safetensors").exists()
    done = subprocess.run([sys.executable, "-m", "cnet", "train", "--resume", str(folder)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    assert same(folder, dataclasses.replace(recipes.COMMITTEE, networks=2, hidden=[9], epochs=300).train(x, t, rng=0))


def test_a_folder_with_something_in_it_is_refused(folder, data, trained, one_error, tmp_path):
    def contents(place):
        return {path: path.read_bytes() for path in Path(place).rglob("*") if path.is_file()}

    for place, options, message in (
        (folder, [], "holds a committee, which --resume continues"),
        (folder, SMALL, "holds a committee, which --resume continues"),
        (trained, SMALL, "holds a run already; choose another folder for a committee"),
    ):
        before = contents(place)
        assert main(["train", "--data", data, *options, "--out", str(place)]) == 2
        assert message in one_error()
        assert contents(place) == before
    assert main(["train", "--resume", trained, "--networks", "3"]) == 2
    assert "has a single network, which has to stay" in one_error()
    assert main(["train", "--resume", str(folder), "--hidden", "8"]) == 2
    assert "--hidden 8: the run in" in one_error()
    assert main(["plot", str(folder)]) == 1
    assert "is the folder of a committee; name that of one of its networks" in one_error()


def test_other_images_are_refused(folder, one_error, tmp_path, capsys):
    assert main(["digits", str(tmp_path / "other"), "--count", "700", "--test-count", "10"]) == 0
    capsys.readouterr()
    assert main(["train", "--resume", str(folder), "--data", str(tmp_path / "other")]) == 1
    assert "these are not the images" in one_error()


@pytest.mark.parametrize("text", [
    "", "[]", "{}", "x" * 100, "[" * 1000, '{"networks": 3}', "\x1b[2J", {"networks": 0}, {"networks": 1},
    {"networks": 1001}, {"networks": "3"}, {"networks": None}, {"networks": 2.0}, {"settings": {}}, {"settings": None},
], ids=repr)
def test_a_damaged_committee_is_named(text, folder, one_error):
    path = folder / COMMITTEE
    if isinstance(text, dict):
        text = json.dumps({**json.loads(path.read_text()), **text})
    path.write_text(text)
    assert main(["train", "--resume", str(folder)]) == 1
    error = one_error()
    assert "committee.json is damaged" in error and len(error) < 700


def test_networks_of_other_settings_are_refused(folder, one_error):
    """A network's own folder says what it is; that of another seed or length is not trained over."""
    path = folder / COMMITTEE
    tree = json.loads(path.read_text())
    tree["settings"]["hidden"] = 8
    path.write_text(json.dumps(tree))
    assert main(["train", "--resume", str(folder)]) == 1
    assert "network-000" in one_error()


def test_threads_and_length_are_asked_of_each(folder, expected):
    shutil.rmtree(folder / "network-002")
    assert main(["train", "--resume", str(folder), "--threads", "1"]) == 0
    assert same(folder, expected)


# Preprocessing.

WAYS = [None, Normalize(deslant=False, width=20), Normalize()]


@pytest.fixture(scope="module")
def _prepared(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "run"
    options = ["--preprocessing", "none, width = 20,deslant", "--networks", "4", "--out", str(folder)]
    assert main(["train", "--data", data, *SMALL, *options]) == 0
    return folder


@pytest.fixture
def prepared(_prepared, tmp_path, capsys):
    """A copy of a finished committee of four, whose networks see different images."""
    return copied(_prepared, tmp_path, capsys)


@pytest.fixture(scope="module")
def prepared_by_library(data):
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    recipe = dataclasses.replace(recipes.COMMITTEE, networks=4, hidden=[9], epochs=2, preprocessing=WAYS)
    return recipe.train(x, t, rng=0)


def test_a_committee_with_preprocessing_is_what_the_library_trains(prepared, prepared_by_library, data, capsys):
    expected = prepared_by_library
    assert same(prepared, expected)
    assert cnet.load(prepared / "model.safetensors").preprocessing == expected.preprocessing == (*WAYS, None)
    _, (x, t) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    accuracies = [cnet.Committee([net], [way]).accuracy(x, t)
                  for net, way in zip(expected.networks, expected.preprocessing, strict=True)]
    assert main(["train", "--resume", str(prepared), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy_alone"] == accuracies
    # A network's own folder has all that it takes to read raw images.
    for i, accuracy in enumerate(accuracies):
        network = prepared / f"network-00{i}"
        assert main(["evaluate", str(network), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == accuracy
        history = json.loads((network / "history.json").read_text())
        assert history["epochs"]["test_accuracy"][-1] == accuracy
        assert history["settings"]["preprocessing"] == [None, "width=20", "deslant", None][i]
        (network / "model.safetensors").unlink()
        assert main(["evaluate", str(network), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == accuracy


def test_a_committee_with_preprocessing_goes_on(prepared, prepared_by_library, one_error, capsys):
    (prepared / "model.safetensors").unlink()
    (prepared / "network-001" / "model.safetensors").unlink()
    shutil.rmtree(prepared / "network-002")
    assert main(["train", "--resume", str(prepared)]) == 0
    assert "with weight-decay 0.01, augment" in (out := capsys.readouterr().out)
    assert "preprocessing none,width=20,deslant" in out
    assert same(prepared, prepared_by_library)
    assert main(["train", "--resume", str(prepared), "--preprocessing", "none, width= 20,deslant"]) == 0
    assert main(["train", "--resume", str(prepared / "network-000"), "--preprocessing", "none"]) == 0
    assert main(["train", "--resume", str(prepared), "--preprocessing", "none,deslant"]) == 2
    assert "--preprocessing none,deslant: the run in" in one_error()
    # A network goes on alone as well, with images as before.
    capsys.readouterr()
    network = prepared / "network-002"
    assert main(["train", "--resume", str(network), "--epochs", "3"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(network), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["accuracy"] == json.loads((network / "history.json").read_text())["epochs"]["test_accuracy"][-1]


def test_a_committee_sees_what_its_settings_say(prepared, prepared_by_library):
    """Whatever somebody has put into a network's place."""
    path = prepared / "network-001" / "model.safetensors"
    cnet.load(path).networks[0].save(path)
    (prepared / "model.safetensors").unlink()
    assert main(["train", "--resume", str(prepared)]) == 0
    assert cnet.load(path).preprocessing == (WAYS[1],)
    whole = cnet.load(prepared / "model.safetensors")
    assert whole.preprocessing == prepared_by_library.preprocessing and same(prepared, prepared_by_library)


def test_what_the_commands_say_of_a_network_with_preprocessing(prepared, one_error, capsys):
    network = str(prepared / "network-001")
    assert main(["export", network, str(prepared / "net.c")]) == 1
    error = one_error()
    assert "network-001 is a network with preprocessing, which" in error and "--preprocessing none" in error
    assert main(["check-gradients", "--model", network, "--samples", "1"]) == 0
    assert "784-9-10" in capsys.readouterr().out
    for folder, way in ((network, "width=20"), (str(prepared / "network-000"), None)):
        assert main(["info", folder]) == 0
        out = capsys.readouterr().out
        assert "TwoLayerNet, 784-9-10" in out and "run: finished" in out
        assert way is None or f"preprocessing {way}" in out
        assert main(["info", folder, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["run"]["settings"]["preprocessing"] == way


def test_pictures_of_a_network_with_preprocessing(prepared, data, monkeypatch):
    pytest.importorskip("matplotlib")
    seen = []
    monkeypatch.setattr("cnet.cli.pictures.write_misread", lambda net, data, *_: seen.append(data.test[0]))
    assert main(["plot", str(prepared / "network-001"), "--only", "misread"]) == 0
    _, (x, _) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    assert (seen[0] == WAYS[1](x)).all()


@pytest.mark.parametrize("text", ["none", "none,deslant", "width=29", "upright", 3])
def test_damaged_preprocessing_is_named(text, prepared, one_error):
    committee = prepared / COMMITTEE
    tree = json.loads(committee.read_text())
    own = prepared / "network-001" / "history.json"
    history = json.loads(own.read_text())
    history["settings"]["preprocessing"] = text
    own.write_text(json.dumps(history))
    assert main(["evaluate", str(prepared / "network-001")]) == (0 if text == "width=29" else 1)
    if text != "width=29":
        assert "history.json is damaged" in (error := one_error()) and "settings.preprocessing" in error
    tree["settings"]["preprocessing"] = text
    committee.write_text(json.dumps(tree))
    assert main(["train", "--resume", str(prepared)]) == 1
    # What could be a committee's is not that of its networks.
    expected = "settings differ from those in" if text in ("none", "none,deslant") else "committee.json is damaged"
    assert expected in one_error()


def test_ctrl_c_between_two_networks(data, tmp_path, monkeypatch, capsys):
    def interrupted(self, x):
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    command = ["train", "--data", data, *SMALL, "--networks", "2", "--preprocessing", "none,deslant"]
    with monkeypatch.context() as patch:
        patch.setattr(Normalize, "__call__", interrupted)
        assert main([*command, "--out", str(folder)]) == 130
    assert "1 of 2 networks are finished; cnet train --resume" in capsys.readouterr().err
    assert main(["train", "--resume", str(folder)]) == 0
    assert cnet.load(folder / "model.safetensors").preprocessing == (None, Normalize())


def test_a_single_network_with_preprocessing(data, tmp_path, capsys):
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=data)
    recipe = dataclasses.replace(recipes.COMMITTEE, networks=1, hidden=[9], epochs=3, preprocessing=WAYS[1:2])
    expected = recipe.train(x, t, rng=0)
    folder = tmp_path / "run"
    small = [*SMALL, "--networks", "1", "--preprocessing", "width=20"]
    assert main(["train", "--data", data, *small, "--out", str(folder)]) == 0
    assert "preprocessing width=20" in capsys.readouterr().out
    assert main(["train", "--resume", str(folder), "--epochs", "3"]) == 0
    whole = tmp_path / "whole"
    assert main(["train", "--data", data, *small, "--epochs", "3", "--out", str(whole)]) == 0
    committee = cnet.load(whole / "model.safetensors")
    assert committee.preprocessing == (WAYS[1],)
    assert [net.params for net in committee.networks] == [net.params for net in expected.networks]
    assert cnet.load(folder / "model.safetensors").preprocessing == (WAYS[1],)
    for command in ("evaluate", "info"):
        assert main([command, str(folder)]) == 0


@pytest.mark.parametrize(("text", "message"), [
    ("deslnt", "expected some of none, deslant, width=20 and deslant+width=20"), ("", "expected some of"),
    ("none+deslant", "expected some of"), ("width=5+width=6", "expected some of"),
    ("none,,deslant", "expected some of"), ("de slant", "expected some of"),
    ("width=2 0", "width must be a whole number"),
    ("width", "width must be a whole number"), ("width=-3", "width must be a whole number"),
    ("width=0", "width must be from 1"), ("width=29", "width must be at most that of the images, 28 pixels, got 29"),
    ("width=1_0", "width must be a whole number"), ("deslant+deslant", "expected some of"),
])
def test_preprocessing_that_makes_no_sense(text, message, data, one_error, tmp_path):
    folder = tmp_path / "run"
    assert main(["train", "--data", data, *SMALL, "--preprocessing", text, "--out", str(folder)]) == 2
    error = one_error()
    assert message in error and "--preprocessing" in error
    assert not folder.exists()


def test_a_single_network_of_a_committee_is_its_first_and_local_weights_suit_every_activation():
    alone = settings_of("--recipe", "committee", "--networks", "1")[0]
    assert (alone.preprocessing, alone.weight_init) == ("deslant", "local")
    for options in (["--activation", "tanh"], ["--activation", "relu,gelu"]):
        assert settings_of("--recipe", "deep", *options)[0].weight_init == "local"
    assert settings_of("--recipe", "deep", "--weight-init", "he")[0].weight_init == "he"
    assert "initial weights local, recipe deep" in run_text(settings_of("--recipe", "deep")[0])
    assert "initial weights" not in run_text(settings_of("--recipe", "accurate")[0])


def test_what_is_for_square_images(one_error, tmp_path):
    rng = np.random.default_rng(0)
    for part, n in (("train", 60), ("t10k", 20)):
        cnet.datasets.write_idx(tmp_path / f"{part}-images-idx3-ubyte", rng.integers(0, 255, (n, 4, 5), np.uint8))
        cnet.datasets.write_idx(tmp_path / f"{part}-labels-idx1-ubyte", rng.integers(0, 10, n).astype(np.uint8))
    for options, message in (
        (["--weight-init", "local"], "--weight-init local is for square images; no square has 20 pixels"),
        (["--preprocessing", "deslant"], "--preprocessing is for square images; no square has 20 pixels"),
        (["--augment", "default"], "--augment is for square images; no square has 20 pixels"),
        (["--recipe", "record"], "no square has 20 pixels (with --recipe record)"),
        (["--recipe", "accurate"], "no square has 20 pixels (with --recipe accurate)"),
    ):
        for more in ([], ["--networks", "2"]):
            folder = tmp_path / "run"
            command = ["train", "--data", str(tmp_path), "--epochs", "1", "--batch-size", "10", *options, *more,
                       "--out", str(folder)]
            assert main(command) == 2
            assert message in one_error() and not folder.exists()


def test_several_ways_of_preprocessing_are_for_committees(data, one_error, tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "RECIPES", {
        **RECIPES, "committee": dataclasses.replace(recipes.COMMITTEE, preprocessing=WAYS),
        "accurate": dataclasses.replace(recipes.ACCURATE, preprocessing=WAYS[2:])})
    for options in ([], ["--networks", "1"], ["--recipe", "fast"]):
        command = ["train", "--data", data, "--preprocessing", "deslant,none", *options]
        assert main([*command, "--out", str(tmp_path / "a")]) == 2
        assert "--preprocessing deslant,none: several ways go with --networks 2 or more" in one_error()
    for options in ([], ["--networks", "1"], ["--networks", "3"]):
        assert settings_of("--recipe", "accurate", *options)[0].preprocessing == "deslant"
        assert settings_of("--recipe", "accurate", "--preprocessing", "none", *options)[0].preprocessing is None
    assert settings_of("--recipe", "committee")[0].preprocessing == "none,width=20,deslant"
    assert settings_of("--recipe", "committee", "--preprocessing", "deslant")[0].preprocessing == "deslant"
    assert settings_of("--recipe", "committee", "--networks", "1")[0].preprocessing is None
    assert settings_of("--recipe", "committee", "--preprocessing", "none,none")[0].preprocessing is None


def test_help_names_the_recipes(capsys):
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(name in text for name in RECIPES) and "--networks N" in text
