"""What runs on this machine."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from .core import _dispatch

__all__ = ["show_config"]


@overload
def show_config(mode: Literal["stdout"] = ...) -> None: ...


@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show which instruction set is in use, which there are, and how cnet was built.

    The best instruction set that the processor and the system support is chosen
    when cnet is imported. The environment variable ``CNET_ISA`` (``baseline``,
    ``avx2``, ``avx512`` or ``neon``), set before that, asks for another.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Print, or return a dictionary.

    Returns
    -------
    dict or None
        None when printed.

    Raises
    ------
    ValueError
        If `mode` is neither.

    Examples
    --------
    >>> import cnet
    >>> config = cnet.show_config(mode="dicts")
    >>> config["instruction set"] in config["available"]
    True
    """
    from . import __version__

    config = {"cnet": __version__, "numpy": np.__version__, **_dispatch.config()}
    if mode == "dicts":
        return config
    if mode != "stdout":
        raise ValueError(f'mode must be "stdout" or "dicts", got {mode!r}')
    for name, value in config.items():
        print(f"{name:>16}: {', '.join(value) if isinstance(value, tuple) else value}")
    return None
