"""Information about the installed cnet and this machine."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from .core import _dispatch, processors

__all__ = ["show_config"]


@overload
def show_config(mode: Literal["stdout"] = ...) -> None: ...


@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show which instruction set and how many threads are in use, and how cnet was built.

    On import, cnet chooses the widest instruction set that the processor and the system
    support. To use another one, set the environment variable ``CNET_ISA`` to ``baseline``,
    ``avx2``, ``avx512`` or ``neon`` before that. ``threads`` is the most threads that a call
    may use, and ``threads set by`` says where this number comes from; see `set_num_threads`.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        "stdout" prints the information, "dicts" returns it as a dictionary.

    Returns
    -------
    dict or None
        None with "stdout".

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
    config["threads"] = processors.thread_limit(anew=True)
    config["threads set by"] = processors.where_from()
    if mode == "dicts":
        return config
    if mode != "stdout":
        raise ValueError(f'mode must be "stdout" or "dicts", got {mode!r}')
    for name, value in config.items():
        print(f"{name:>16}: {', '.join(value) if isinstance(value, tuple) else value}")
    return None
