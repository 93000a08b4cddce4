"""Contenders in processes of their own, asked in turn: A B C, A B C, and so on."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# A pool of threads may spin for a moment after its work; it must not disturb the next contender.
PAUSE = 0.03
# With CNET_ISA=avx2 the peers are asked for AVX2, too. OpenBLAS obeys; XLA's matrix products do not.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}


@dataclass
class Result:
    """What one contender with one number of threads measured in one case."""

    contender: str
    threads: int
    values: list = field(default_factory=list)
    setups: list = field(default_factory=list)
    iterations: int = 0
    check: float | None = None
    accuracies: list = field(default_factory=list)
    skipped: str | None = None


def environment(threads, path=None):
    """Environment of a worker: every pool has this many threads; modules are looked for in `path` first."""
    env = dict(os.environ)
    if path is not None:
        env["PYTHONPATH"] = os.path.abspath(path)
    # Some machines set these for old OpenBLAS builds; they slow a current one.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        env.pop(name, None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUM_CPU_THREADS"):
        env[name] = str(threads)
    flags = [env["XLA_FLAGS"]] if "XLA_FLAGS" in env else []
    if threads == 1:
        flags.append("--xla_cpu_multi_thread_eigen=false")
    if env.get("CNET_ISA") == "avx2":
        env.update(AVX2)
        flags.append("--xla_cpu_max_isa=AVX2")
    env["XLA_FLAGS"] = " ".join(flags)
    env["JAX_PLATFORMS"] = "cpu"
    return env


class Worker:
    """A contender's process."""

    def __init__(self, contender, threads, folder, path=None):
        self.contender, self.threads = contender, threads
        script = Path(__file__).with_name("worker.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), contender, str(threads), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads, path),
        )

    def ask(self, **command):
        """Send one command, wait for its answer."""
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return {"error": f"the process ended with code {self.process.wait()}"}
        return json.loads(line)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


class Harness:
    """All workers that were needed so far."""

    def __init__(self, folder, log, before=None):
        self.folder, self.log, self.before = folder, log, before
        self.workers = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for worker in self.workers.values():
            worker.close()

    def worker(self, contender, threads):
        """The worker, started when it is first needed."""
        key = contender, threads
        if key not in self.workers:
            self.workers[key] = self.start(contender, threads)
            answer = self.workers[key].ask(command="hello")
            if "error" in answer:
                self.log(f"{contender}/{threads}: {answer['error']}")
        return self.workers[key]

    def start(self, contender, threads):
        """A new worker; that of another commit finds another cnet."""
        return Worker(contender, threads, self.folder, self.before if contender == "before" else None)

    def run(self, command, contenders, rounds):
        """One case: prepare every contender, then measure them in turn.

        Parameters
        ----------
        command : dict for the workers (see measurements.py), or a function of a contender's name
        contenders : list of (name, threads)
        rounds : int

        Returns
        -------
        list of Result
        """
        results, active = [], []
        for name, threads in contenders:
            result = Result(name, threads)
            results.append(result)
            worker = self.worker(name, threads)
            answer = worker.ask(command="prepare", **command(name, threads))
            if "error" in answer:
                self.log(f"{name}/{threads}: {answer['error']}")
                result.skipped = answer["error"].strip().splitlines()[-1]
            elif "skipped" in answer:
                result.skipped = answer["skipped"]
            else:
                result.check, result.iterations = answer["check"], answer["iterations"]
                active.append((worker, result))
        for _ in range(rounds):
            for worker, result in active:
                time.sleep(PAUSE)
                self.measure(worker, result)
        return results

    def run_fresh(self, command, contenders, rounds):
        """As `run`, but each measurement in a new process."""
        results = [Result(name, threads) for name, threads in contenders]
        for _ in range(rounds):
            for result in results:
                worker = self.start(result.contender, result.threads)
                worker.ask(command="prepare", **command(result.contender, result.threads))
                self.measure(worker, result)
                worker.close()
        return results

    def measure(self, worker, result):
        """One measurement, added to the result."""
        answer = worker.ask(command="measure")
        if "error" in answer:
            self.log(f"{result.contender}/{result.threads}: {answer['error']}")
            result.skipped = answer["error"].strip().splitlines()[-1]
        elif "skipped" in answer:
            result.skipped = answer["skipped"]
        else:
            result.values.append(answer["value"])
            result.setups.append(answer["setup"])
            result.iterations = answer["iterations"]
            if "accuracy" in answer:
                result.accuracies.append(answer["accuracy"])
