"""Counts multiply-adds of whole vectors in a compiled file, whatever its format.

The patterns are the instructions as they stand in machine code: VFMADD...PS and PD with
a VEX prefix (256 bits) or an EVEX prefix (512 bits; Intel's manual, volume 2), FMLA of a
whole register (Arm's manual, "FMLA (vector)" and "FMLA (by element)"). A few bytes of data may
look the same by chance, so that a threshold, not one find, is the proof.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["FEWEST_MULTIPLY_ADDS", "multiply_adds"]

FEWEST_MULTIPLY_ADDS = 100

_VECTORS_OF_256 = bytes(byte for byte in range(256) if byte & 0b111 == 0b101)
_X86 = {
    "avx2": re.compile(
        rb"\xc4[\x02\x22\x42\x62\x82\xa2\xc2\xe2][%s][\x98\xa8\xb8]" % re.escape(_VECTORS_OF_256)
    ),
    "avx512": re.compile(rb"\x62[\x02-\xf2].[\x40-\x5f][\x98\xa8\xb8]", re.DOTALL),
}


def multiply_adds(module: Path, isa: str) -> int:
    """Fused multiply-adds of whole vectors of one instruction set ("avx2", "avx512", "neon")."""
    code = module.read_bytes()
    if isa == "neon":
        words = memoryview(code[: len(code) // 4 * 4]).cast("I")
        return sum((word & 0xFFA0FC00) == 0x4E20CC00 or (word & 0xFF80F400) == 0x4F801000 for word in words)
    return len(_X86[isa].findall(code))
