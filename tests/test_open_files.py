"""What all readers share: files that are read in bounded pieces."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from cnet.open_files import Clamped, read_pieces


@pytest.mark.parametrize("buffering", [-1, 0])
def test_a_length_that_is_not_there_takes_no_memory(tmp_path, buffering):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    with open(path, "rb", buffering=buffering) as file:
        file.seek(10)
        clamped = Clamped(file)
        tracemalloc.start()
        assert clamped.tell() == 10
        assert clamped.read(5) == bytes(range(10, 15))
        assert clamped.read(1 << 32) == bytes(range(15, 100))
        assert clamped.read(1 << 32) == b"" == clamped.read()
        assert clamped.seek(98) == 98 and clamped.read() == b"bc" and clamped.seek(99) == 99
        assert clamped.read(None) == b"c" and clamped.seek(200) == 200 and clamped.read(7) == b""
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20 and clamped.closed


def test_pieces_of_what_does_not_wait_or_gives_text():
    class Strange(io.RawIOBase):
        answer = None

        def read(self, size=-1):
            return self.answer

    with pytest.raises(BlockingIOError, match="does not wait"):
        list(read_pieces(Strange(), 10))
    Strange.answer = "text"
    with pytest.raises(TypeError, match="must give bytes, got str"):
        list(read_pieces(Strange(), 10))
