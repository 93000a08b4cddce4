"""How many processors the control groups of this process allow it, by their CPU quota (Linux; containers set it).

Both versions are read: of version 2 ``cpu.max``, of version 1 ``cpu.cfs_quota_us`` over ``cpu.cfs_period_us``, of the
process's own group and of every group above it that can be seen: the smallest quota holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

__all__ = ["cpu_quota"]

PROC = "/proc/self"


def cpu_quota(proc: str = PROC) -> float | None:
    """The quota in processors (1.5: one and a half), or None where there is none, or none that can be read.

    Parameters
    ----------
    proc : str
        Where the files ``cgroup`` and ``mountinfo`` of this process are.
    """
    quotas = [quota for folder, version in _groups(proc) if (quota := _quota_of(folder, version)) is not None]
    return min(quotas, default=None)


def _groups(proc: str) -> Iterator[tuple[str, int]]:
    """The folder of each group that this process is in and that may have a quota, with the version, upwards."""
    paths = _own_paths(f"{proc}/cgroup")
    for line in _lines(f"{proc}/mountinfo"):
        # "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw": root, mount point, type, options.
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        version = {"cgroup2": 2, "cgroup": 1}.get(kind[0])
        if version is None or version not in paths or (version == 1 and "cpu" not in kind[-1].split(",")):
            continue
        mounted = _unescaped(fields[4])
        for part in _upwards(_below(paths[version], _unescaped(fields[3]))):
            yield mounted + part, version


def _own_paths(path: str) -> dict[int, str]:
    """The group of this process in either hierarchy: {2: of version 2, 1: of version 1's CPU controller}."""
    paths = {}
    for line in _lines(path):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            paths[2] = group
        elif "cpu" in controllers.split(","):
            paths[1] = group
    return paths


def _below(group: str, root: str) -> str:
    """A group's path from the mount's root on; "" where it lies elsewhere, as in some containers."""
    root = root.rstrip("/")
    inside = group == root or group.startswith(f"{root}/")
    below = group[len(root) :] if inside else ""
    return "" if ".." in below.split("/") else below.rstrip("/")


def _upwards(path: str) -> Iterator[str]:
    """"/a/b", "/a", ""."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _quota_of(folder: str, version: int) -> float | None:
    """The quota of one group. "max" and -1 are none."""
    if version == 2:
        words = " ".join(_lines(f"{folder}/cpu.max")).split()
    else:
        words = [*_lines(f"{folder}/cpu.cfs_quota_us"), *_lines(f"{folder}/cpu.cfs_period_us")]
    if len(words) != 2 or not all(re.fullmatch("[0-9]{1,18}", word) for word in words):
        return None
    quota, period = int(words[0]), int(words[1])
    return quota / period if quota and period else None


def _unescaped(path: str) -> str:
    r"""A path in mountinfo, where a space is \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def _lines(path: str) -> list[str]:
    """The lines of a small file; none where it cannot be read."""
    try:
        # In the system's own encoding of names, which no byte can break.
        with open(path, "rb") as file:
            return [os.fsdecode(line).strip() for line in file.read(1 << 20).splitlines()]
    except OSError:
        return []
