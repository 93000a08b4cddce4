"""All that is compiled."""

import os.path
import sys
from importlib import import_module


def _check_compiled() -> None:
    """Say what is wrong where only the sources are."""
    try:
        import_module("._dispatch", __name__)
    except ModuleNotFoundError as error:
        # A module that is there but cannot be loaded is another matter, and is told as it is.
        if error.name != f"{__name__}._dispatch":
            raise
        package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        # By this name `python -m` knows that the package is to blame, and prints a line, not a traceback.
        raise ImportError(
            f"{package} holds the sources of cnet without modules compiled for this Python "
            f"({sys.version_info.major}.{sys.version_info.minor}): compile them by `pip install -e .` in "
            f"{os.path.dirname(package)}, or run Python in another directory to import the cnet that is installed",
            name=__name__.partition(".")[0],
        ) from error


_check_compiled()
