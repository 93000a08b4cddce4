"""Compiles peak.c with the system's compiler and measures what the machine can do at most."""

import ctypes
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SECONDS = 0.3
MEGABYTES = 256


def library():
    """peak.c, compiled for this processor."""
    source = Path(__file__).with_name("peak.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "peak.so"
        compiler = os.environ.get("CC", "cc").split()
        native = "-mcpu=native" if os.uname().machine == "aarch64" else "-march=native"
        # No -funroll-loops: with it GCC 12 spills the sums of peak.c, and a third of the peak is hidden.
        flags = ["-O3", native, "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([*compiler, *flags, "-o", str(target), str(source)], check=True)
        loaded = ctypes.CDLL(str(target))
    for name in ("peak_float", "peak_double"):
        getattr(loaded, name).restype = ctypes.c_double
        getattr(loaded, name).argtypes = [ctypes.c_long, ctypes.c_void_p]
    loaded.stream_read.restype = ctypes.c_longlong
    loaded.stream_read.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    loaded.stream_update.restype = None
    loaded.stream_update.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return loaded


def together(function, threads):
    """Seconds from the start of the first to the end of the last of `threads` calls at once."""
    start, spans = threading.Barrier(threads), []

    def call(member):
        start.wait()
        began = time.perf_counter()
        function(member)
        spans.append((began, time.perf_counter()))

    members = [threading.Thread(target=call, args=(i,)) for i in range(threads)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    return max(end for _, end in spans) - min(began for began, _ in spans)


def fma_peak(loaded, dtype, threads, repeats=5):
    """Best of some measurements, in GFLOP/s over all threads together."""
    function = loaded.peak_float if dtype == np.float32 else loaded.peak_double
    sinks = [np.full(16, 0.5, dtype) for _ in range(threads)]
    rounds = 1 << 20
    done = function(rounds, sinks[0].ctypes.data)
    began = time.perf_counter()
    function(rounds, sinks[0].ctypes.data)
    rounds = int(rounds * SECONDS / (time.perf_counter() - began))
    done = done * rounds / (1 << 20)
    seconds = min(
        together(lambda member: function(rounds, sinks[member].ctypes.data), threads) for _ in range(repeats)
    )
    return threads * done / seconds / 1e9


def aligned(n_bytes):
    """Bytes, written once, that begin at a page: peak.c reads whole vectors."""
    block = np.ones(n_bytes + 4096, np.uint8)
    skip = -block.ctypes.data % 4096
    return block[skip : skip + n_bytes]


def bandwidth(loaded, threads, repeats=5):
    """(read, update) in GB/s over all threads together; an update moves three bytes for each."""
    n_bytes = MEGABYTES * 10**6 // threads // 4096 * 4096
    blocks = [(aligned(n_bytes), aligned(n_bytes)) for _ in range(threads)]

    def read(member):
        loaded.stream_read(blocks[member][0].ctypes.data, n_bytes)

    def update(member):
        loaded.stream_update(blocks[member][0].ctypes.data, blocks[member][1].ctypes.data, n_bytes)

    reading = min(together(read, threads) for _ in range(repeats))
    updating = min(together(update, threads) for _ in range(repeats))
    return threads * n_bytes / reading / 1e9, 3 * threads * n_bytes / updating / 1e9
