"""``--help``: it fits the terminal, no word is broken, and its examples can be pasted."""

import argparse
import re
import shlex
import textwrap

import pytest

from cnet.cli import build_parser, main

COMMANDS = (
    "", "train", "evaluate", "predict", "plot", "page", "draw", "export", "check-gradients", "digits", "info",
)


@pytest.fixture(params=COMMANDS)
def shown(request, capsys, monkeypatch):
    """The help of a command, on terminals of some width."""

    def at(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main([*request.param.split(), "--help"]) == 0
        return capsys.readouterr().out

    return at


def examples_of(text):
    """The commands as a shell takes them: lines that a backslash continues are one, and # begins a comment."""
    joined = re.sub(r"\\\n", " ", text)
    return [line.strip() for line in joined.splitlines() if re.match(r"  +(\w+=\S+ )?cnet ", line)]


@pytest.mark.parametrize("columns", [40, 60, 80, 300])
def test_it_fits_the_terminal(shown, columns):
    out = shown(columns)
    assert max(map(len, out.splitlines())) <= min(columns, 100)
    assert "examples:" in out or "first steps:" in out


@pytest.mark.parametrize("columns", [30, 40, 80])
def test_no_word_is_broken(shown, columns):
    """The same words as on a wide terminal, whatever lines they stand in."""

    def words(text):
        # In examples signs of comments and of continued lines come and go, and comments stand elsewhere.
        return sorted(word for word in text.split() if word not in ("#", "\\"))

    assert words(shown(columns)) == words(shown(300))


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_every_example_can_be_pasted(shown, columns):
    examples = examples_of(shown(columns))
    assert examples
    for example in examples:
        program, *arguments = [word for word in shlex.split(example, comments=True) if "=" not in word[:9]]
        assert program == "cnet"
        # Where it cannot be parsed, it leaves with status 2.
        args = build_parser().parse_args(arguments)
        assert args.command == arguments[0]


def test_what_to_do_next_can_be_pasted(data, tmp_path, train, capsys):
    folder = tmp_path / "a run; with $signs"
    assert train(data, folder, "--iterations", "3") == 0
    examples = examples_of(capsys.readouterr().out)
    assert len(examples) == 3
    for example in examples:
        args = build_parser().parse_args(shlex.split(example, comments=True)[1:])
        assert getattr(args, "model", None) == str(folder) or args.runs == [str(folder)]


def test_epochs_are_a_total_when_a_run_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in ("--iterations N", "--epochs N"):
        assert "with --resume the total, including those done before" in text.split(option)[1].split(" --")[0] + \
            text.split(option)[1][:150]


def test_every_option_has_help():
    parser = build_parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command in commands.choices.values():
        for action in command._actions:
            assert action.help and re.match(r'[a-z"a-zA-Z]', action.help), action.dest


def test_help_imports_nothing_heavy(python):
    program = """
        import sys
        from cnet.cli import main, pictures
        main(["train", "--help"])
        heavy = {"matplotlib", "tqdm", "PIL", "pooch", "json", "pathlib"} & set(sys.modules)
        print(heavy - set(before))
    """
    start = "import sys, cnet; before = list(sys.modules)\n"
    done = python("-c", start + textwrap.dedent(program))
    assert done.stdout.splitlines()[-1] in ("set()", "{'json'}"), done.stderr
