"""The options of ``cnet train``: all those of fit, with the same names and ranges; bad values are one line."""

import argparse
import dataclasses
import os

import pytest

import cnet
from cnet.activations import ACTIVATIONS
from cnet.cli import build_parser, main
from cnet.cli.settings import Settings
from cnet.cli.training_options import OF_FIT, OPTIONS, SCHEDULE_PARAMETERS
from cnet.optimizers import OPTIMIZERS
from cnet.options import FitOptions
from cnet.schedules import SCHEDULES


@pytest.fixture(scope="module")
def known():
    """Options of ``cnet train``, by their names as attributes."""
    parser = build_parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {action.dest: action for action in commands.choices["train"]._actions}


def test_every_option_of_fit_is_one_here(known):
    for each in dataclasses.fields(FitOptions):
        assert OF_FIT.get(each.name, each.name) in known


def test_every_option_is_a_setting():
    """What decides the bits of a run is kept with it."""
    elsewhere = {"layers": "hidden", "weight_decay": "optimizer_parameters"}
    kept = {each.name for each in dataclasses.fields(Settings)}
    hyper = {name for each in OPTIMIZERS.values() for name in each().hyper()}
    for option in OPTIONS:
        if option.name not in hyper and option.name not in SCHEDULE_PARAMETERS:
            assert elsewhere.get(option.name, option.name) in kept


def test_names_come_from_the_tables(known):
    assert known["optimizer"].choices == tuple(OPTIMIZERS) and known["schedule"].choices == tuple(SCHEDULES)
    for name in ACTIVATIONS:
        assert known["activation"].type(name) == name and name in known["activation"].help
    for each in OPTIMIZERS.values():
        for name in each().hyper():
            assert each.name in known[name].help
    for each in SCHEDULES.values():
        for name in each()._attributes():
            assert ("warmup" if name == "warmup" else f"schedule_{name}") in known


def test_a_new_optimizer_and_a_new_schedule_appear_by_themselves(python):
    """With their own parameters, in the options and in their help."""
    done = python("-c", """
from cnet.optimizers import Optimizer, OPTIMIZERS
from cnet.schedules import Schedule, SCHEDULES

class Sharp(Optimizer):
    name, default_lr = "sharp", 0.25
    def __init__(self, *, lr=None, sharpness=0.125):
        super().__init__(lr, sharpness=sharpness)

class Sawtooth(Schedule):
    name = "sawtooth"
    def __init__(self, *, depth=0.5, warmup=0):
        super().__init__(depth=depth, warmup=warmup)

OPTIMIZERS["sharp"], SCHEDULES["sawtooth"] = Sharp, Sawtooth
from cnet.cli import build_parser
from cnet.cli.choices import chosen_settings
words = "train --optimizer sharp --sharpness 0.75 --schedule sawtooth --schedule-depth 0.25".split()
chosen = chosen_settings(build_parser().parse_args(words))
print(chosen["learning_rate"], chosen["optimizer_parameters"], chosen["schedule_parameters"])
build_parser().parse_args(["train", "--help"])
""")
    first, *text = done.stdout.splitlines()
    assert first == "0.25 {'sharpness': 0.75} {'depth': 0.25, 'warmup': 0}", done.stderr
    shown = " ".join(" ".join(text).split())
    assert "0.25 for sharp" in shown and "0.125 for sharp" in shown and "0.5 for sawtooth" in shown


BAD = [
    ("layers", ["", "x", "10,", "1,000", "10,-1", "0,5", ",".join(["2"] * 17), "1.5", "512;256"]),
    ("activation", ["", "nonsense", "relu,", "relu tanh", "ReLU"]),
    ("weight-init", ["", "-1", "nan", "inf", "kaiming", "0,1", "Local"]),
    ("optimizer", ["", "Adam", "nonsense", "adam,sgd"]),
    ("schedule", ["", "cos", "onecycle"]), ("warmup", ["", "-1", "1.0", "1.5", "nan", "x", "3000000000", "0,1"]),
    ("momentum", ["1", "-0.1", "nan", "x"]), ("decay-rate", ["1"]), ("beta1", ["1", "2"]), ("beta2", ["1"]),
    ("epsilon", ["0", "-1", "inf"]), ("weight-decay", ["-1", "nan", "x", "1e999"]), ("l2", ["-0.1", "inf", "x"]),
    ("schedule-every", ["0", "-1", "x"]), ("schedule-factor", ["0", "1.1"]), ("schedule-final", ["1.1", "-1", "nan"]),
    ("dropout", ["1", "-0.1", "nan", "0.1,", "0.1,1", "x", "0.2 0.3"]), ("input-dropout", ["1", "-1", "0.1,0.2"]),
    ("label-smoothing", ["1", "-1", "x"]), ("clip-norm", ["0", "-1", "inf", "x"]), ("max-norm", ["0", "nan"]),
    ("averaging", ["0", "1", "-1", "x"]), ("early-stop", ["0", "-1", "1.5", "x"]), ("early-stop-delta", ["-1", "nan"]),
    ("early-stop-metric", ["", "test_loss"]), ("validation-split", ["0", "1", "-0.1", "x"]),
    ("augment", ["", "x", "rotation", "rotation=", "rotation=x", "rotation=-1", "rotation=1,", "shift=1,shift=2",
                 "limits=1", "image_shape=28", "6.sigma=1", "6.rotation=200", "x.shift=1", "cut_out=1.5", "mixup=2"]),
]


@pytest.mark.parametrize(("option", "value"), [(option, value) for option, values in BAD for value in values])
def test_bad_values(option, value, one_error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", f"--{option}={value}"]) == 2
    error = one_error()
    assert error.startswith(f"cnet train: error: argument --{option}: ") and len(error) < 300
    assert not os.listdir(tmp_path)


TOGETHER = [
    (["--momentum", "0.9"], "--momentum goes with --optimizer momentum"),
    (["--optimizer", "adam", "--decay-rate", "0.9"], "--decay-rate goes with --optimizer rmsprop"),
    (["--schedule-final", "0.1"], "--schedule-final goes with --schedule"),
    (["--schedule", "step", "--schedule-final", "0.1"], "not with step"),
    (["--weight-decay", "0.1", "--l2", "0.1"], "--weight-decay is the same as --l2 with --optimizer sgd"),
    (["--layers", "10,10", "--dropout", "0.1,0.2,0.3"], "--dropout: "),
    (["--layers", "10,10", "--activation", "relu,tanh,relu"], "--activation relu,tanh,relu: expected one name"),
    (["--layers", "10", "--hidden", "10"], "argument --hidden: not allowed with argument --layers"),
    (["--early-stop-metric", "loss"], "--early-stop-metric goes with --early-stop"),
    (["--early-stop-delta", "0.1"], "--early-stop-delta goes with --early-stop"),
    (["--gradient", "numerical", "--optimizer", "adam"], "--gradient: "),
    (["--gradient", "numerical", "--dropout", "0.1"], "without dropout"),
    (["--gradient", "numerical", "--augment", "default"], "without augment"),
    (["--data", "DATA", "--schedule", "cosine", "--warmup", "10000"], "--warmup: "),
    (["--data", "DATA", "--schedule", "cosine", "--warmup", "7", "--epochs", "1"], "--warmup: "),
    (["--data", "DATA", "--sampling", "shuffle", "--batch-size", "651", "--validation-split", "0.1"],
     "--batch-size 651 is more than the 630 images"),
]


@pytest.mark.parametrize(("arguments", "message"), TOGETHER, ids=lambda value: " ".join(value)[:40])
def test_what_does_not_go_together(arguments, message, data, one_error, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *(data if word == "DATA" else word for word in arguments)]) == 2
    # Drawing the digits is announced on standard output.
    assert message in one_error()
    assert not os.listdir(tmp_path)


def test_a_run_is_the_same_as_a_fit(data, tmp_path):
    """Each option arrives where it belongs."""
    options = (
        "--layers 12,11 --activation gelu,tanh --weight-init xavier --optimizer adamw --weight-decay 0.05 --beta1 0.85 "
        "--learning-rate 0.002 --schedule cosine --schedule-final 0.1 --warmup 0.1 --l2 0.0001 --dropout 0.2,0.1 "
        "--input-dropout 0.05 --input-noise 0.1 --adversarial 0.05 --label-smoothing 0.1 --clip-norm 2 --max-norm 3 "
        "--averaging 0.95 --batch-size 50 --seed 4 --epochs 3 --augment rotation=12,shift=0,3.elastic=20,cut_out=3"
    ).split()
    assert main(["train", "--data", data, *options, "--out", str(tmp_path)]) == 0
    (x, t), (x_test, t_test) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    net = cnet.MultiLayerNet(784, [12, 11], 10, ["gelu", "tanh"], "xavier", 0.0001, rng=4)
    net.fit(
        x, t, epochs=3, batch_size=50, optimizer=cnet.optimizers.AdamW(beta1=0.85, weight_decay=0.05),
        learning_rate=0.002, schedule=cnet.schedules.Cosine(final=0.1, warmup=0.1), dropout=(0.2, 0.1),
        input_dropout=0.05, input_noise=0.1, adversarial=0.05, label_smoothing=0.1, clip_norm=2, max_norm=3,
        averaging=0.95, augment=cnet.augment.Distort(rotation=12, shift=0, limits={3: {"elastic": 20}}, cut_out=3),
    )
    assert cnet.load(tmp_path / "model.safetensors").params == net.params


@pytest.mark.parametrize(("options", "sizes", "kind"), [
    ([], (784, 50, 10), cnet.TwoLayerNet), (["--layers", "13"], (784, 13, 10), cnet.TwoLayerNet),
    (["--layers", "0"], (784, 10), cnet.MultiLayerNet), (["--layers", "7,6,5"], (784, 7, 6, 5, 10), cnet.MultiLayerNet),
    (["--hidden", "8", "--l2", "0.01"], (784, 8, 10), cnet.MultiLayerNet),
])
def test_networks(data, tmp_path, options, sizes, kind):
    assert main(["train", "--data", data, "--iterations", "2", "--out", str(tmp_path), *options]) == 0
    net = cnet.load(tmp_path / "model.safetensors")
    assert type(net) is kind and net.sizes == sizes
    assert main(["evaluate", str(tmp_path)]) == 0
