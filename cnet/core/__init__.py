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
        if getattr(sys, "frozen", False):
            problem = f"this program was frozen without the compiled modules of cnet: {_FREEZE}"
        else:
            problem = (
                f"{package} holds the sources of cnet without modules compiled for this Python "
                f"({sys.version_info.major}.{sys.version_info.minor}): compile them by `pip install -e .` in "
                f"{os.path.dirname(package)}, or run Python in another directory to import the cnet that is installed"
            )
        # By this name `python -m` knows that the package is to blame, and prints a line, not a traceback.
        raise ImportError(problem, name=__name__.partition(".")[0]) from error


_FREEZE = "bundle the package cnet.core whole (PyInstaller: --collect-submodules cnet.core)"


def _imports_of_compiled_modules() -> None:
    """Name what compiled modules import, and do nothing: it is never called.

    Programs that freeze other programs (PyInstaller, cx_Freeze, Nuitka, py2app) find modules by the import
    statements in Python code. They cannot see those inside compiled modules.
    """
    import importlib.util  # noqa: F401
    import platform  # noqa: F401

    import numpy  # noqa: F401

    from . import (  # noqa: F401
        _apply,
        _arrays,
        _augment,
        _digits,
        _dispatch,
        _functions,
        _gradient,
        _inputs,
        _iterations,
        _kernels_avx2,
        _kernels_avx512,
        _kernels_baseline,
        _memory,
        _network,
        _numerical,
        _numerical_trainer,
        _one_fit,
        _products,
        _record,
        _scan,
        _stages,
        _state,
        _steps,
        _targets,
        _team,
        _trainer,
        _workspace,
        cgroups,
        processors,
        thread_chooser,
    )


_check_compiled()
