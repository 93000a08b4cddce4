"""Options: their numbers and their paths."""

import argparse
import os

import pytest

from cnet.cli import build_parser, main
from cnet.cli.options import count, positive_number, seed

WHOLE = [
    ("1", 1), ("10000", 10_000), ("10,000", 10_000), ("1,234,567", 1_234_567), ("10_000", 10_000), (" 7 ", 7),
    ("+7", 7), ("007", 7), ("2147483647", 2**31 - 1), ("2,147,483,647", 2**31 - 1),
]
NOT_WHOLE = [
    "1,5", "1,50", "1,5000", "10,00", "1,000,00", ",1", "1,", "1,,000", "1,000_000", "1_5", "1__000", "_1", "1_",
    "0,001", "00,001", "1234,567", "1.5", "1e3", "", " ", "x", "1 000", "0x10", "\u0661", "1\u00a0000", "nan", "--1",
    "9" * 5000, "-1", "0", "2147483648", "3,000,000,000",
]


@pytest.mark.parametrize(("text", "number"), WHOLE)
def test_whole_numbers(text, number):
    assert count(text) == number


@pytest.mark.parametrize("text", NOT_WHOLE, ids=lambda text: repr(text[:12]))
def test_what_is_no_whole_number(text, one_error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(argparse.ArgumentTypeError, match="^expected a whole number"):
        count(text)
    for command, option in (
        ("train", "epochs"), ("train", "iterations"), ("train", "batch-size"), ("train", "hidden"),
        ("train", "threads"), ("digits", "count"), ("digits", "test-count"), ("check-gradients", "samples"),
    ):
        assert main([command, f"--{option}={text}", *(["x"] if command == "digits" else [])]) == 2
        error = one_error()
        assert f"argument --{option}: expected a whole number" in error and len(error) < 250
    assert not os.listdir(tmp_path)


def test_seeds():
    assert (seed("0"), seed("1,000"), seed(str(2**64 - 1))) == (0, 1000, 2**64 - 1)
    for text in ("-1", "1,5", str(2**64)):
        with pytest.raises(argparse.ArgumentTypeError):
            seed(text)


@pytest.mark.parametrize(("text", "number"), [("0.1", 0.1), ("1e-3", 0.001), (".5", 0.5), ("3", 3.0), (" 2 ", 2.0)])
def test_rates(text, number):
    assert positive_number(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "0,1", "0,001", "1,000", "1_0", "nan", "inf", "1e999", "1e-999", "", "x"])
def test_what_is_no_rate(text, one_error):
    assert main(["train", f"--learning-rate={text}"]) == 2
    error = one_error()
    assert "--learning-rate: expected a finite number above 0" in error
    assert ("decimal point" in error) == bool(set(text) & set(",_"))


def test_so_many_epochs_are_said_at_once(data, tmp_path, one_error, capsys):
    assert main(["train", "--data", data, "--epochs", "2,000,000,000", "--out", str(tmp_path / "run")]) == 2
    assert "14,000,000,000 mini-batches" in one_error()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--out=~/x"], ["train", "--out", "~/x"], ["train", "--resume=~/x"], ["train", "--data=~/x"],
        ["evaluate", "~/x"], ["evaluate", "model", "--data", "~/x"], ["predict", "~/x", "1.png"],
        ["predict", "model", "~/x"], ["plot", "~/x"], ["plot", "run", "--out=~/x"], ["plot", "run", "--data=~/x"],
        ["digits", "~/x"], ["check-gradients", "--model=~/x"],
    ],
)
def test_a_home_folder_in_every_path(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    values = vars(build_parser().parse_args(arguments)).values()
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    assert os.path.join(str(tmp_path), "x") in [os.path.normpath(item) for item in flat if isinstance(item, str)]


def test_every_number_of_every_command_has_a_type():
    """No option takes a number by int() or float(), whose rules are other ones."""
    parser = build_parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command in commands.choices.values():
        for action in command._actions:
            assert action.type not in (int, float), action.dest


def test_control_characters_of_arguments(one_error):
    for arguments in (["\x1b[2J"], ["train", "--epochs", "\x1b[2J"], ["evaluate", "\x1b[2J\nx"], ["plot", "\x9b2J"]):
        assert main(arguments) in (1, 2)
        assert one_error().removesuffix("\n").isprintable()
