"""Feed damaged files to a reader: ``python tests/fuzz/run.py model --seconds 60``.

Case number n of a seed is always the same file. A case that fails is named, with the command that
repeats it, and its file is kept; a case that kills the process is the last one in ``case``.
Guided by coverage where atheris is installed: ``python tests/fuzz/run.py model --atheris``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import faulthandler
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

if "--atheris" in sys.argv:
    import atheris

    # What is to be watched must be imported under its eyes.
    with atheris.instrument_imports(include=["cnet"]):
        from readers import READERS, Reader, check
else:
    from readers import READERS, Reader, check


def limit_memory(megabytes: int) -> None:
    """Let this process grow by so much; the sanitizers map terabytes for themselves."""
    if megabytes and sys.platform == "linux" and "asan" not in os.environ.get("LD_PRELOAD", ""):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (megabytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def fuzz(reader: Reader, args: argparse.Namespace) -> int:
    """Run the cases; return how many failed."""
    outcomes: collections.Counter[str] = collections.Counter()
    failures = 0
    end = time.monotonic() + args.seconds if args.seconds else None
    number = args.first
    while number < args.first + args.cases if end is None else time.monotonic() < end:
        # Before the case is made: making one uses the readers, too.
        faulthandler.dump_traceback_later(args.timeout, exit=True)
        data = reader.damaged(random.Random(f"{args.reader} {args.seed} {number}"))
        (args.folder / "case").write_bytes(data)
        begin = time.process_time()
        try:
            outcome = check(reader, data)
            if time.process_time() - begin > args.slow:
                raise AssertionError(f"it took {time.process_time() - begin:.1f} s")
        except Exception:
            failures += 1
            kept = args.folder / f"failed-{args.seed}-{number}"
            kept.write_bytes(data)
            print(f"case {number} of seed {args.seed}, kept as {kept}:\n{traceback.format_exc()}", file=sys.stderr)
            print(
                f"again by: python {sys.argv[0]} {args.reader} --seed {args.seed} --first {number} --cases 1",
                file=sys.stderr,
            )
            outcome = "FAILED"
            if failures == 10:
                break
        outcomes[outcome] += 1
        number += 1
    faulthandler.cancel_dump_traceback_later()
    print(f"{args.reader}: {number - args.first} cases,", dict(outcomes))
    return failures


def guided(reader: Reader, seconds: float) -> None:
    """Let atheris choose the files, by the lines of cnet that they reach."""

    def one(data: bytes) -> None:
        check(reader, data)

    corpus = reader.folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(reader.seeds):
        (corpus / str(number)).write_bytes(seed)
    limits = ["-rss_limit_mb=1000", "-timeout=10", f"-max_total_time={seconds:.0f}"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=200, help="how many, if --seconds is not given")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--timeout", type=float, default=20, help="seconds after which a case is given up")
    parser.add_argument("--slow", type=float, default=3, help="seconds of computing that a case may take")
    parser.add_argument("--memory", type=int, default=700, help="MB that reading may take; 0 for no limit")
    parser.add_argument("--folder", type=Path, help="where the cases are kept (default: a temporary folder)")
    parser.add_argument("--file", type=Path, help="read this file alone")
    parser.add_argument("--atheris", action="store_true")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        args.folder = args.folder or Path(tempfile.mkdtemp(prefix="cnet-fuzz-"))
        reader = READERS[args.reader](scratch)
        for data in reader.intact():
            if check(reader, data) != "read":
                raise AssertionError("a whole file was not read")
        warnings.simplefilter("ignore")
        if args.atheris:
            guided(reader, args.seconds or 60)
            return 0
        limit_memory(args.memory)
        if args.file:
            print(check(reader, args.file.read_bytes()))
            return 0
        return int(fuzz(reader, args) > 0)


if __name__ == "__main__":
    sys.exit(main())
