"""JSON out of files: what is read, and that everything else is refused at once."""

from __future__ import annotations

import json
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnet.checks import excerpt, printable
from cnet.guarded_json import parse_json, parse_whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[784, 50, 10]", [784, 50, 10]),
        (b'{"a": {"b": [[1.5e-3, null]]}}', {"a": {"b": [[0.0015, None]]}}),
        (' "\\u00e9[[[[[[[[[[" ', "é[[[[[[[[[["),
        ("-0.0", -0.0),
        ("18446744073709551615", 2**64 - 1),
        ("true", True),
        ("{}", {}),
    ],
)
def test_json_is_read(text, value):
    parsed = parse_json(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not JSON"),
        ("[1, 2", "bracket"),
        ("[1, 2}", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("[1,]", "not JSON"),
        ("1 2", "not JSON"),
        ('"\x01"', "not JSON"),
        ('"open', "not JSON"),
        ("NaN", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("1e999", "1e999 is too large"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' twice"),
        ('{"a\\u001b[2J": 1, "a\\u001b[2J": 2}', r"a\\x1b\[2J' twice"),
        (b'"\xff"', "UTF-8"),
        ("[[[[[1]]]]]", "nested more than 4"),
        ('{"a":' * 5 + "1" + "}" * 5, "nested more than 4"),
        ("9" * 101, "101 digits"),
        ("0." + "1" * 200, "202 digits"),
        ("[" + "1," * (1 << 20) + "1]", "at most 1,048,576"),
    ],
)
def test_all_else_is_refused(text, word):
    with pytest.raises(ValueError, match=word):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 1_000_000,
        "-" + "9" * 1_000_000,
        "0." + "9" * 1_000_000,
        "1e" + "9" * 1_000_000,
        "[" * 1_000_000,
        "[]" * 500_000,
        "[}" * 500_000,
        '{"":' * 250_000,
        '"' + "\\" * 1_000_000,
        '"' * 1_000_000,
        "[" + "9" * 1_000_000 + "]",
    ],
    ids=lambda text: f"{text[:6]}...",
)
def test_a_megabyte_of_anything_takes_no_time(text):
    """Also in a program that lifted Python's own limits, on digits and on recursion."""
    digits, recursion = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10_000_000)
    begin = time.process_time()
    try:
        with pytest.raises(ValueError) as caught:
            parse_json(text)
        with pytest.raises(ValueError):
            parse_whole(text, 2**64 - 1)
    finally:
        sys.set_int_max_str_digits(digits)
        sys.setrecursionlimit(recursion)
    assert time.process_time() - begin < 1
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["0", "7", "18446744073709551615", "007"])
def test_whole_numbers(text):
    assert parse_whole(text, 2**64 - 1) == int(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1 ", "1_0", "1.0", "1e2", "0x1", "٣", "²", "18446744073709551616", "1\n"]
)
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="from 0 to 18446744073709551615"):
        parse_whole(text, 2**64 - 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=JSON, ascii=st.booleans())
def test_what_json_writes_is_read_again(value, ascii):
    def depth(part):
        parts = part.values() if isinstance(part, dict) else part
        return 1 + max(map(depth, parts), default=0) if isinstance(part, list | dict) else 0

    text = json.dumps(value, ensure_ascii=ascii)
    assert parse_json(text, max_depth=12) == value
    if depth(value) > 1:
        with pytest.raises(ValueError, match="nested"):
            parse_json(text, max_depth=depth(value) - 1)


@settings(max_examples=300, deadline=None)
@given(text=st.text("[]{}\",:0123456789.eE+-\\ truefalsn\x00é", max_size=40))
def test_any_text_is_read_as_json_reads_it_or_refused(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            parse_json(text)
        return
    try:
        assert parse_json(text) == expected
    except ValueError as error:
        assert any(word in str(error) for word in ("nested", "digits", "twice", "too large", "not a number"))


def test_text_of_a_file_does_not_reach_the_terminal():
    """ESC, CSI, bell, line feed, right-to-left override, an undecodable byte of a file's name."""
    text = "a\x1b[31m\x9b2J\a\n\u202eb\udc80é漢.idx"
    assert printable(text) == r"a\x1b[31m\x9b2J\x07\n\u202eb\udc80é漢.idx"
    assert printable("é 漢") == "é 漢"
    assert excerpt("é\x1b") == r"'é\x1b'"
    assert len(excerpt("x" * 10**6)) <= 60 and len(excerpt([1] * 1000, 40)) <= 40
