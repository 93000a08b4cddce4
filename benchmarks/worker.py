"""One contender with one number of threads, in a process of its own.

Reads one JSON line for each command from standard input, answers with one JSON line. Between
commands it sleeps in the read. Started by harness.py, not by hand.
"""

import json
import os
import sys
import traceback
from pathlib import Path


def main():
    name, threads, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    # What a framework prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        # Before anything is imported, so that no pool is sized for more.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, str(Path(__file__).parent))

    import measurements
    from contenders import load
    from contenders.base import UnsupportedError
    from workload import Data

    kind = load(name)
    contender = kind(Data.load(folder), threads)
    measurement = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["command"] == "prepare":
                measurement = None
                measurement = measurements.KINDS[command["kind"]](contender, command)
                answer = measurement.prepare()
            elif command["command"] == "measure":
                answer = measurement.measure()
            else:
                answer = {"packages": kind.packages}
        except UnsupportedError as reason:
            answer = {"skipped": str(reason)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
