"""Damage to bytes, by kinds that files meet: bits, lengths, splices, huge numbers, foreign words."""

from __future__ import annotations

import copy
import random
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

Mutation = Callable[[random.Random, bytearray, list[bytes]], None]

NUMBERS = [0, 1, 2, 16, 100, 1000, *(2**bits + near for bits in (7, 8, 15, 16, 31, 32, 63, 64) for near in (-1, 0))]
WORDS = [
    b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b"null", b"true", b"[]", b"{}", b'""', b"9" * 25, b"9" * 5000,
    b"0." + b"3" * 400, b"[" * 50, b'{"a":' * 50, b'"\\ud800"', b'"\\u001b[2J"', b"\x1b[2J", b"\xff\xfe", b"\0",
    b"1" * 19, b"4294967296", b"1e308", b"-0.0", b"\\", b'"',
]
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 0.5, 1e308, -1e-308, "", "1", "-1", "2", "relu", "huber", "MultiLayerNet",
    "F32", "F64", "F16", "[2,3,2]", "[]", "9" * 400, "a" * 3000, "\x1b[2J", "\ud800", "\u202e",
    [], {}, [[]], [0], [0, 0], [1, 2, 3], {"a": 1}, *NUMBERS,
    float("nan"), float("inf"), 10**30, "true", "null", "18446744073709551616", "é" * 50,
]
NAMES = ["", "W1", "b2", "W3", "optimizer.0.W1", "kind", "a", "seed", "loss", "dtype", "\x1b[2J", "\u202e", "x" * 500]


def mutate(rng: random.Random, seed: bytes, others: list[bytes]) -> bytes:
    """Return `seed`, damaged in one to four ways."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(MUTATIONS)(rng, data, others)
    return bytes(data)


def mutate_text(rng: random.Random, text: str) -> str:
    """Return text, damaged as bytes are, and decoded again."""
    data = text.encode(errors="surrogatepass")
    return mutate(rng, data, [data]).decode(errors="replace")


def mutate_tree(rng: random.Random, tree: Any) -> Any:
    """Return what JSON holds with one to three of its values replaced, moved or left out."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        inside, key = rng.choice(places)
        other, other_key = rng.choice(places)
        act = rng.randrange(6)
        if act == 0:
            del inside[key]
        elif act == 1:
            inside[key] = copy.deepcopy(other[other_key])
        elif act == 2 and isinstance(inside, dict):
            inside[rng.choice(NAMES)] = inside.pop(key)
        elif act == 3 and isinstance(inside[key], int | float):
            inside[key] = inside[key] + rng.choice((-1, 1, 0.5)) if rng.random() < 0.5 else -inside[key]
        elif act == 4 and isinstance(inside[key], str):
            inside[key] = mutate(rng, inside[key].encode(errors="surrogatepass"), [b"relu"]).decode(errors="replace")
        else:
            inside[key] = copy.deepcopy(rng.choice(VALUES))
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or object of a tree with each of its indices or names."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])


def _span(rng: random.Random, data: bytearray, longest: int = 64) -> tuple[int, int]:
    begin = rng.randint(0, len(data))
    return begin, min(len(data), begin + rng.randint(1, longest))


def _flip_bits(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        # Headers are at the beginning, so half of the damage is there.
        position = rng.randrange(min(len(data), rng.choice((64, len(data)))))
        data[position] ^= 1 << rng.randrange(8)


def _set_byte(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    if data:
        data[rng.randrange(min(len(data), rng.choice((64, len(data)))))] = rng.randrange(256)


def _truncate(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    del data[rng.randint(0, len(data)) :]


def _extend(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    data += rng.choice((b"\0", b"\xff")) * rng.choice((1, 7, 1000))


def _remove(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    begin, end = _span(rng, data)
    del data[begin:end]


def _repeat(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    begin, end = _span(rng, data)
    data[begin:begin] = data[begin:end] * rng.choice((1, 2, 100))


def _insert(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    begin = rng.randint(0, len(data))
    data[begin:begin] = rng.randbytes(rng.randint(1, 16))


def _splice(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    other = rng.choice(others)
    begin = rng.randint(0, len(data))
    data[begin:] = other[rng.randint(0, len(other)) :]


def _copy(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    begin, end = _span(rng, data)
    to = rng.randint(0, len(data))
    data[to : to + end - begin] = data[begin:end]


def _number(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    """Write a number of 16, 32 or 64 bits over what is there, in either byte order."""
    letter = rng.choice("HIQ")
    value = rng.choice(NUMBERS) % (1 << 8 * struct.calcsize(letter))
    number = struct.pack(rng.choice("<>") + letter, value)
    begin = rng.randint(0, max(0, min(len(data), rng.choice((64, len(data)))) - len(number)))
    data[begin : begin + len(number)] = number


def _digits(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    """Put another number, or no number at all, in the place of one that is written in digits."""
    places = list(re.finditer(rb"-?[0-9][0-9.e+-]*", data[:100_000]))
    if places:
        place = rng.choice(places)
        data[place.start() : place.end()] = rng.choice((str(rng.choice(NUMBERS)).encode(), rng.choice(WORDS)))


def _word(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    begin, end = _span(rng, data, 8)
    data[begin : rng.choice((begin, end))] = rng.choice(WORDS)


def _value(rng: random.Random, data: bytearray, others: list[bytes]) -> None:
    """Put something else in the place of a JSON value or a name."""
    places = list(re.finditer(rb'"[^"]*"|\[[^\[\]]*\]|null|true|false', data[:100_000]))
    if places:
        place, other = rng.choice(places), rng.choice(places)
        data[place.start() : place.end()] = rng.choice((rng.choice(WORDS), bytes(data[other.start() : other.end()])))


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits, _flip_bits, _set_byte, _truncate, _extend, _remove, _repeat, _insert, _splice, _copy, _number,
    _number, _digits, _word, _value,
)
