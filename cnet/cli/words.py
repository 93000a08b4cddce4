"""What the commands say of a run's settings, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import loss_text, percent
from .settings import FIT_FIELDS, weight_init_for
from .training_options import flag_of

if TYPE_CHECKING:
    from .record import Record
    from .settings import Settings

__all__ = ["duration_text", "network_text", "regularisation_text", "run_text", "stopping_text"]


def network_text(sizes: tuple[int, ...], activations: tuple[str, ...]) -> str:
    """A network in a few words.

    Examples
    --------
    >>> network_text((784, 50, 10), ("relu",)), network_text((784, 30, 20, 10), ("gelu", "tanh"))
    ('784-50-10, relu', '784-30-20-10, gelu-tanh')
    """
    names = activations[:1] if len(set(activations)) == 1 else activations
    return ", ".join(["-".join(map(str, sizes)), *(["-".join(names)] if names else [])])


def duration_text(seconds: float) -> str:
    """A time in few words.

    Examples
    --------
    >>> duration_text(4.2), duration_text(75), duration_text(59 * 60 + 40), duration_text(3 * 3600 + 61)
    ('4 s', '1 min 15 s', '59 min 40 s', '3 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def run_text(settings: Settings) -> str:
    """How a network is trained, in a few words."""
    how = [] if settings.optimizer == "sgd" else [settings.optimizer]
    how.append(f"learning rate {settings.learning_rate:g}")
    if settings.schedule is not None:
        how.append(f"{settings.schedule} schedule")
    if settings.weight_init not in (None, weight_init_for(settings.activations)):
        how.append(f"initial weights {settings.weight_init}")
    if settings.recipe is not None:
        how.append(f"recipe {settings.recipe}")
    return (f"{settings.iterations:,} mini-batches of {settings.batch_size:,}, {', '.join(how)}, "
            f"seed {settings.seed}")


def regularisation_text(settings: Settings) -> str:
    """What keeps the network from learning by heart, as it was asked for; empty where nothing does."""
    decay = settings.optimizer_parameters.get("weight_decay")
    used = {"l2": settings.l2, "weight_decay": decay, **{name: getattr(settings, name) for name in FIT_FIELDS}}
    parts = [f"{flag_of(name)[2:]} {_number(value)}" for name, value in used.items() if value]
    if settings.preprocessing is not None:
        parts.append(f"preprocessing {settings.preprocessing}")
    if settings.early_stop is not None:
        metric = settings.early_stop_metric.replace("_", " ")
        parts.append(f"early stopping after {settings.early_stop:,} epochs without a better {metric}")
    return ", ".join(parts)


def _number(value: float | str | tuple[float, ...]) -> str:
    if isinstance(value, str):
        return value
    return ",".join(f"{each:g}" for each in value) if isinstance(value, tuple) else f"{value:g}"


def stopping_text(record: Record) -> str:
    """Which network early stopping has kept, and why; or what is the best one so far."""
    settings, best = record.settings, record.best
    name = settings.early_stop_metric.replace("_", " ")
    assert best.value is not None
    value = percent(best.value) if name.endswith("accuracy") else loss_text(best.value)
    if record.state not in ("finished", "stopped"):
        return f"best {name} so far: {value}, after epoch {best.epoch}"
    kept = f"the network is that of epoch {best.epoch}, with the best {name}: {value}"
    if not record.is_stopped:
        return kept
    return f"stopped after {best.waited:,} epochs without an improvement; {kept}"
