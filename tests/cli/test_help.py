"""``--help``: it fits the terminal, and its examples can be pasted."""

import textwrap

from cnet.cli import main


def test_help_fits_the_terminal(capsys, monkeypatch):
    for command in ("", "train", "evaluate", "predict", "plot", "check-gradients", "digits", "info"):
        for columns in (40, 80, 300):
            monkeypatch.setenv("COLUMNS", str(columns))
            assert main([*command.split(), "--help"]) == 0
            out = capsys.readouterr().out
            lines = [line for line in out.splitlines() if not line.startswith(("  cnet ", "usage: "))]
            assert max(map(len, lines)) <= min(columns, 100)
            assert "examples:" in out or "first steps:" in out


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
