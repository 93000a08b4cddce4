"""A run that has come to its end: whether it has, and whether its folder shows it."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from ..networks import MultiLayerNet
from .console import Failure
from .preprocessing import own_way
from .record import Record, Settings
from .run_folder import (
    CURVES,
    HISTORY,
    MODEL,
    has_model,
    load_single,
    read_record,
    with_preprocessing,
    write_history,
)

__all__ = ["is_finished", "restore_results"]


def is_finished(folder: str, record: Record) -> bool:
    """Whether a run has gone as far as is asked or may; its checkpoint may be a part of an epoch behind."""
    if record.iterations >= record.settings.iterations or record.is_stopped:
        return True
    past = _past(folder)
    if past is None or past.state != "finished" or not _is_same(past.settings, record.settings):
        return False
    model = _model(folder, past.settings)
    return (
        past.iterations == past.settings.iterations == record.settings.iterations
        and model is not None and model.iterations == past.iterations
    )


def restore_results(folder: str, net: MultiLayerNet, record: Record) -> tuple[Record, list[str]]:
    """Write what is missing of a finished run, or was damaged, from its checkpoint.

    Parameters
    ----------
    folder : str
    net : MultiLayerNet
    record : Record
        Those of the checkpoint.

    Returns
    -------
    record : Record
        Of the whole run.
    written : list of str
        Names of files; the curves are left to the caller, and named if they are to be drawn.
    """
    written = []
    if record.best.params is not None:
        net.params = record.best.params
    past = _past(folder)
    if past is not None and not _is_same(past.settings, record.settings):
        past = None
    if not _model_stands(folder, net, record.settings, past):
        with_preprocessing(net, record.settings).save(os.path.join(folder, MODEL))
        written.append(MODEL)
    if past is None or past.iterations < record.iterations or past.state not in ("finished", "stopped"):
        past = record
        past.state = "finished" if record.iterations >= record.settings.iterations else "stopped"
        write_history(folder, past)
        written.append(HISTORY)
    if HISTORY in written or not os.path.exists(os.path.join(folder, CURVES)):
        written.append(CURVES)
    return past, written


def _model_stands(folder: str, net: MultiLayerNet, settings: Settings, past: Record | None) -> bool:
    """Whether the model in the folder is the network, or one that the same run had further on."""
    model = _model(folder, settings)
    if model is None:
        return False
    if past is not None and model.iterations == past.iterations > net.iterations:
        return True
    return model.iterations == net.iterations and model.sizes == net.sizes and all(
        np.array_equal(model.params[name], array) for name, array in net.params.items()
    )


def _is_same(past: Settings, now: Settings) -> bool:
    """Whether two runs are one; where its images lie, and how long it is to be, may have changed."""
    return replace(past, data=now.data, iterations=now.iterations) == now


def _past(folder: str) -> Record | None:
    """What the history tells, if there is one that can be read."""
    if not os.path.exists(os.path.join(folder, HISTORY)):
        return None
    try:
        return read_record(folder)
    except (Failure, OSError):
        return None


def _model(folder: str, settings: Settings) -> MultiLayerNet | None:
    """The model, if there is one that can be read, and whose images are preprocessed as the settings say."""
    try:
        net, prepare = load_single(folder) if has_model(folder) else (None, None)
        return net if prepare == own_way(settings.preprocessing) else None
    except (Failure, OSError, ValueError):
        return None
