"""Schedules: their factors by hand and by closed forms, and the validation of their parameters."""

import inspect
import math
import pickle
import re

import numpy as np
import pytest

from cnet import schedules
from cnet.optimizers import LinearRamp
from cnet.schedule_base import CHUNK
from cnet.schedules import SCHEDULES, Constant, Cosine, Exponential, Linear, OneCycle, Step, as_schedule

# What each class says that it takes: "name : type, default value".
DOCUMENTED = re.compile(r"^    (\w+) : .*, default (\S+)$", re.M)
DEFAULTS = {
    name: {parameter: float(value) for parameter, value in DOCUMENTED.findall(cls.__doc__)}
    for name, cls in SCHEDULES.items()
}
# Shares or whole numbers of iterations; all others may be 1.
EXTENTS = {"warmup", "every"}


def test_the_table_is_complete():
    assert all(cls.name == name for name, cls in SCHEDULES.items())
    assert {cls.__name__ for cls in SCHEDULES.values()} == set(schedules.__all__)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_value(name):
    cls, made = SCHEDULES[name], as_schedule(name)
    assert type(made) is cls and made == cls() and hash(made) == hash(cls()) and made.name == name
    assert {key: getattr(made, key) for key in DEFAULTS[name]} == DEFAULTS[name]
    assert {each.name for each in inspect.signature(cls).parameters.values()} == set(DEFAULTS[name])
    assert all(each.kind is each.KEYWORD_ONLY for each in inspect.signature(cls).parameters.values())
    given = cls(**{"warmup": 3} | {key: 0.125 for key in DEFAULTS[name] if key != "warmup"})
    assert given != made and eval(repr(given), vars(schedules)) == given == pickle.loads(pickle.dumps(given))
    assert as_schedule(given) is given and as_schedule(None) is None
    with pytest.raises(AttributeError):
        made.warmup = 3


BY_HAND = [
    (Constant(), [1] * 8),
    (Constant(warmup=3), [1 / 3, 2 / 3, 1, 1, 1, 1, 1, 1]),
    (Constant(warmup=0.5), [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
    (Constant(warmup=1), [1] * 8),
    (Step(), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
    (Step(every=3, factor=0.1), [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]),
    (Step(every=0.5, factor=0.1, warmup=2), [0.5, 1, 1, 1, 1, 1, 0.1, 0.1]),
    (Step(every=1e-9), [0.5**i for i in range(8)]),
    (Step(every=100), [1] * 8),
    (Exponential(final=2**-8), [2.0**-i for i in range(8)]),
    (Exponential(final=2**-4, warmup=4), [0.25, 0.5, 0.75, 1, 1, 0.5, 0.25, 0.125]),
    (Exponential(final=1), [1] * 8),
    (Cosine(), [(1 + math.cos(math.pi * i / 8)) / 2 for i in range(8)]),
    (Cosine(final=0.5, warmup=5), [0.2, 0.4, 0.6, 0.8, 1, 1, 0.875, 0.625]),
    (Linear(), [1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
    (Linear(final=0.5, warmup=0.5), [0.25, 0.5, 0.75, 1, 1, 0.875, 0.75, 0.625]),
    (OneCycle(), [0.5, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
    (OneCycle(warmup=7), [*(i / 7 for i in range(1, 8)), 1]),
    (OneCycle(warmup=5e-324), [1 - i / 8 for i in range(8)]),
]


def test_every_schedule_is_calculated_by_hand():
    assert {type(schedule) for schedule, _ in BY_HAND} == set(SCHEDULES.values())


@pytest.mark.parametrize(("schedule", "expected"), BY_HAND, ids=repr)
def test_factors_by_hand(schedule, expected):
    factors = schedule.factors(8)
    np.testing.assert_allclose(factors, expected, rtol=1e-15)
    assert factors.dtype == np.float64
    for begin, end in ((0, 3), (3, 8), (7, 8), (0, 8)):
        np.testing.assert_array_equal(schedule.factors_between(begin, end, 8), factors[begin:end])
    assert [schedule(i, 8) for i in range(8)] == factors.tolist()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("total", [1, 2, 7, CHUNK + 1000])
@pytest.mark.parametrize("warmup", [0, 0.01, 0.3, 0.999])
def test_factors_rise_to_one_and_fall(name, total, warmup):
    factors = SCHEDULES[name](warmup=warmup).factors(total)
    assert factors.shape == (total,) and factors.min() > 0 and factors.max() <= 1
    top = int(factors.argmax())
    assert (np.diff(factors[: top + 1]) >= 0).all() and (np.diff(factors[top:]) <= 0).all()
    assert warmup or factors[0] == 1


@pytest.mark.parametrize("warmup", [0, 0.01, 0.25, 0.5, 0.999])
@pytest.mark.parametrize("total", [1, 7, 1000])
def test_one_cycle_is_a_linear_ramp(warmup, total):
    np.testing.assert_allclose(0.3 * OneCycle(warmup=warmup).factors(total), LinearRamp(0.3, warmup).rates(total),
                               rtol=1e-11)


@pytest.mark.parametrize("every", [0.1, 0.2, 1 / 3, 0.05, 0.7])
@pytest.mark.parametrize("total", [10, 30, 60, 300])
def test_a_share_of_a_step_is_whole_iterations(every, total):
    """Also where the product of the two, rounded, is not: 0.1 * 30 > 3."""
    drops = np.flatnonzero(np.diff(Step(every=every).factors(total))) + 1
    length = max(1, round(every * total))
    np.testing.assert_array_equal(drops, np.arange(length, total, length))


def test_a_function_of_ones_own():
    calls = []

    def f(iteration, total):
        calls.append((iteration, total))
        return [1, 0.5, np.float32(0.25), np.array(0)][iteration]

    schedule = as_schedule(f)
    np.testing.assert_array_equal(schedule.factors(4), [1, 0.5, 0.25, 0])
    assert calls == [(0, 4), (1, 4), (2, 4), (3, 4)] and all(type(i) is int for i, _ in calls)
    np.testing.assert_array_equal(schedule.factors_between(1, 3, 4), [0.5, 0.25])
    assert as_schedule(f) == schedule
    with pytest.raises(ZeroDivisionError):
        as_schedule(lambda iteration, total: 1 / iteration).factors(3)


@pytest.mark.parametrize(("value", "error"), [
    (-0.5, ValueError), (math.nan, ValueError), (math.inf, ValueError), (10**400, ValueError),
    (None, TypeError), ("1", TypeError), (True, TypeError), (1j, TypeError), ([1.0], TypeError),
    (np.ones(1), TypeError),
])
def test_what_a_function_returns_is_checked(value, error):
    schedule = as_schedule(lambda iteration, total: value if iteration == 2 else 1)
    assert schedule.factors_between(0, 2, 4).tolist() == [1, 1]
    with pytest.raises(error, match="^what schedule returns at iteration 2 must be .*, got "):
        schedule.factors(4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_bad_parameters_are_named(name):
    for parameter in DEFAULTS[name]:
        for bad in (-0.1, -1, math.nan, math.inf, 1.5, 10**400, *((1.0,) if parameter in EXTENTS else ())):
            with pytest.raises(ValueError, match=f"^{parameter} must be "):
                SCHEDULES[name](**{parameter: bad})
        for bad in (None, "0.5", True, [0.5], 1j, np.ones(2)):
            with pytest.raises(TypeError, match=f"^{parameter} must be "):
                SCHEDULES[name](**{parameter: bad})
    for total in (0, 2.5, None, True):
        with pytest.raises((TypeError, ValueError), match="^total must be "):
            SCHEDULES[name]().factors(total)
    for iteration in (-1, 4, 0.5):
        with pytest.raises((TypeError, ValueError), match="^iteration must be "):
            SCHEDULES[name]()(iteration, 4)
    with pytest.raises(ValueError, match="^warmup must be shorter than the fit, got 4 for 4 iterations"):
        SCHEDULES[name](warmup=np.int64(4)).factors(4)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Step(every=0), "every must be above 0"), (lambda: Step(factor=0), "factor must be above 0"),
    (lambda: Exponential(final=0), "final must be above 0"),
    (lambda: Constant(warmup=2.0), r"warmup must be a share .* below 1, or a whole number of them \(an int\), got 2.0"),
])
def test_parameters_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("value", "error", "message"), [
    ("cosinus", ValueError, "'constant', 'step', .*'one-cycle'.*, got 'cosinus'"), (0.5, TypeError, "got float"),
    (Cosine, TypeError, r"got the class Cosine; write Cosine\(\)"), ([1.0], TypeError, "got list"),
    (LinearRamp(), TypeError, "got LinearRamp"),
])
def test_what_is_no_schedule(value, error, message):
    with pytest.raises(error, match=f"^schedule must be one of .*{message}"):
        as_schedule(value)
