"""What the commands say: results on standard output, all else on standard error."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import suppress
from typing import Any, TextIO

from ..checks import printable

__all__ = [
    "FAILURE", "INTERRUPTED", "USAGE", "ClosedPipe", "Failure", "as_word", "complain", "finish_output", "loss_text",
    "note", "one_line", "percent", "print_json", "say", "to_json", "warn", "write",
]

FAILURE, USAGE, INTERRUPTED = 1, 2, 130

RED, YELLOW, RESET = "\x1b[31m", "\x1b[33m", "\x1b[0m"


class Failure(Exception):  # noqa: N818 (not every one is an error: see `status`)
    """What ends a command with one line on standard error.

    Parameters
    ----------
    message : str
        One line, for the user.
    status : int
        The exit status.
    """

    def __init__(self, message: str, status: int = FAILURE) -> None:
        super().__init__(message)
        self.status = status


class ClosedPipe(Failure):
    """Nobody reads standard output any more, as when ``| head`` has seen enough."""


# Names, metadata and error messages come out of other people's files: whatever in them would control the
# terminal, or forge a line, is printed as an escape.


def say(text: str, *, as_json: bool = False) -> None:
    """Print a line for a person: on standard output, unless that is for JSON."""
    if as_json:
        note(text)
    else:
        write(printable(text))


def note(text: str) -> None:
    """Print a line on standard error. Nobody may be there to read it."""
    _to_stderr(printable(text))


def complain(text: str) -> None:
    """Print the one line that says what went wrong."""
    _to_stderr(f"{_coloured('cnet: error:', RED)} {printable(text)}")


def warn(text: str) -> None:
    """Print the one line that says what is allowed, but probably not meant."""
    _to_stderr(f"{_coloured('cnet: warning:', YELLOW)} {printable(text)}")


def _coloured(text: str, colour: str) -> str:
    return f"{colour}{text}{RESET}" if has_colour(sys.stderr) else text


def _to_stderr(line: str) -> None:
    # Programs without a console have none, and print() would write to standard output instead.
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


def has_colour(stream: TextIO | None) -> bool:
    """Tell whether to colour text on a stream: only on a terminal, unless the environment forbids it.

    References
    ----------
    https://no-color.org
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document, in a line of its own, on standard output."""
    write(to_json(document))


def to_json(document: dict[str, Any]) -> str:
    """Return a document as JSON; NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_finite(document), allow_nan=False)


def write(text: str) -> None:
    """Print text on standard output as it is; what its encoding lacks, as an escape.

    Raises
    ------
    ClosedPipe
        If nobody reads it any more.
    Failure
        If it cannot be written: a full disk.
    """
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding
            print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError as error:
        raise ClosedPipe(f"cannot write to standard output: {error.strerror}") from None
    except OSError as error:
        raise Failure(f"cannot write to standard output: {error.strerror or error}") from None


def _finite(value: Any) -> Any:
    """`value` with None in place of what is not a finite number."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def loss_text(loss: float) -> str:
    """A loss with four decimals, or, where it is absurd, with its order of magnitude."""
    return f"{loss:.4f}" if loss < 1e6 else f"{loss:.3g}"


def percent(share: float) -> str:
    """Return a share as people read it: ``percent(0.9453)`` is "94.53 %"."""
    return f"{100 * share:.2f} %"


def as_word(path: str) -> str:
    """A path as it is typed in a command: quoted where the shell would take it apart.

    Examples
    --------
    >>> print(as_word("cnet-run"), as_word("second run"))  # doctest: +SKIP
    cnet-run 'second run'
    """
    if sys.platform == "win32":
        return f'"{path}"' if set(path) & set(" &()^;,'`") else path
    # Paths come with ~ expanded; one that begins with a dash would be taken for an option.
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def one_line(error: BaseException) -> str:
    """Return an error's message on one line; a system call's error names its file."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def finish_output(status: int) -> int:
    """Write out what is left for standard output; a failure to do so is one, too."""
    try:
        if sys.stdout is None:
            raise OSError("standard output is closed")
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        if status == 0 and not isinstance(error, BrokenPipeError):
            complain(f"cannot write to standard output: {getattr(error, 'strerror', None) or error}")
        status = status or FAILURE
        _discard_output()
    return status


def _discard_output() -> None:
    """Send what is still in the buffer nowhere, or Python would complain again as it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
