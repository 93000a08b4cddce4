"""The command ``cnet``, outside the package: where importing that fails, somebody has to say so."""

from __future__ import annotations

import sys

__all__ = ["main"]

USAGE, INTERRUPTED = 2, 130


def main() -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status of ``cnet.cli.main``; 2 if ``CNET_ISA`` asks for what does not run here or
        ``CNET_NUM_THREADS`` is no number of threads, and 130 after Ctrl-C, also while the program still starts.

    Raises
    ------
    ImportError
        If cnet cannot be imported for another reason: its traceback says more than a line would.
    """
    try:
        try:
            from cnet.cli import main as run
        except ImportError as error:
            if not str(error).startswith(("CNET_ISA=", "CNET_NUM_THREADS=")):
                raise
            print(f"cnet: error: {error}", file=sys.stderr)
            return USAGE
        return run()
    except KeyboardInterrupt:
        print("cnet: error: interrupted", file=sys.stderr)
        return INTERRUPTED
