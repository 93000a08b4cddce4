"""One number bounds the threads of every call: where it comes from, and that it holds."""

import os
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest

import cnet
from cnet.core import cgroups, processors


def run_python(program, *arguments, **environment):
    """A Python of its own in an environment with these variables, and without those that a caller may have set."""
    variables = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    for name in ("CNET_NUM_THREADS", "OMP_NUM_THREADS"):
        variables.pop(name, None)
    return subprocess.run(
        [sys.executable, *arguments, "-c", textwrap.dedent(program)], env=variables | environment,
        capture_output=True, text=True, timeout=120,
    )


@pytest.fixture
def machine(monkeypatch):
    """Lets cnet believe in a machine of so many processors, with a quota or without."""
    def set_machine(n, quota=None):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(n)), raising=False)
        monkeypatch.setattr(cgroups, "cpu_quota", lambda: quota)
    yield set_machine
    cnet.set_num_threads(None)


# ---- which number ----

SHOW = """
    import os
    os.sched_getaffinity = lambda _: set(range({processors}))
    from cnet.core import cgroups
    cgroups.cpu_quota = lambda: None
    import cnet
    {before}
    config = cnet.show_config("dicts")
    assert config["threads"] == cnet.get_num_threads()
    print(config["threads"], config["threads set by"], sep=": ")
"""


def shown(before="pass", processors=8, **environment):
    done = run_python(SHOW.format(before=before, processors=processors), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, "8: CPU affinity"),
    ({"CNET_NUM_THREADS": "3"}, "3: CNET_NUM_THREADS=3"),
    ({"CNET_NUM_THREADS": " 3 ", "OMP_NUM_THREADS": "2"}, "3: CNET_NUM_THREADS=3"),
    ({"CNET_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}, "2: OMP_NUM_THREADS=2"),
    ({"OMP_NUM_THREADS": "4,2"}, "4: OMP_NUM_THREADS=4,2"),
    ({"OMP_NUM_THREADS": "4 , 2"}, "4: OMP_NUM_THREADS=4 , 2"),
    ({"OMP_NUM_THREADS": "0"}, "8: CPU affinity"),
    ({"OMP_NUM_THREADS": "-2"}, "8: CPU affinity"),
    ({"OMP_NUM_THREADS": ",2"}, "8: CPU affinity"),
    ({"OMP_NUM_THREADS": "many"}, "8: CPU affinity"),
    ({"OMP_NUM_THREADS": "9"}, "8: CPU affinity (less than OMP_NUM_THREADS=9)"),
], ids=str)
def test_the_environment(environment, expected):
    assert shown(**environment) == expected


def test_what_python_sets_comes_first_and_can_be_taken_back():
    both = {"CNET_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}
    assert shown("cnet.set_num_threads(5)", **both) == "5: cnet.set_num_threads(5)"
    assert shown("cnet.set_num_threads(5); cnet.set_num_threads(None)", **both) == "3: CNET_NUM_THREADS=3"
    assert shown("cnet.set_num_threads(50)", **both) == "8: CPU affinity (less than cnet.set_num_threads(50))"
    # After import, the environment says nothing any more.
    assert shown('os.environ["CNET_NUM_THREADS"] = "1"; cnet.set_num_threads(None)', **both) == "3: CNET_NUM_THREADS=3"


@pytest.mark.parametrize("value", ["0", "-1", "two", "4,2", "1.5", "\N{FULLWIDTH DIGIT TWO}", "1_0", "9" * 5000])
def test_an_invalid_number_in_the_environment_is_an_error(value):
    done = run_python("import cnet", CNET_NUM_THREADS=value)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: CNET_NUM_THREADS={value}: expected a whole number")


@pytest.mark.parametrize("command", [
    ["-m", "cnet", "info"], ["-c", "import _cnet_command; raise SystemExit(_cnet_command.main())"],
])
def test_the_command_line_says_so_in_one_line(command):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CNET_NUM_THREADS": "none"}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert "CNET_NUM_THREADS=none: expected a whole number" in line


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (-3, ValueError), (True, TypeError), (2.0, TypeError),
                                          ("2", TypeError)])
def test_set_num_threads_refuses(n, error):
    with pytest.raises(error, match="^n must be"):
        cnet.set_num_threads(n)


def test_a_quota_counts_whole_processors(machine):
    for quota, expected in ((None, 8), (0.5, 1), (1.0, 1), (1.5, 1), (2.0, 2), (3.99, 3), (64.0, 8)):
        machine(8, quota)
        assert cnet.get_num_threads() == expected, quota
    machine(8, 2.5)
    assert cnet.show_config("dicts")["threads set by"] == "CPU quota of the control group"
    cnet.set_num_threads(1)
    assert cnet.show_config("dicts")["threads set by"] == "cnet.set_num_threads(1)"


def test_an_affinity_that_is_forbidden_or_unknown(machine, monkeypatch):
    def forbidden(_):
        raise PermissionError(1, "Operation not permitted")

    machine(4)
    monkeypatch.setattr(os, "sched_getaffinity", forbidden, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cnet.get_num_threads() == 6
    assert cnet.show_config("dicts")["threads set by"] == "number of processors"
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cnet.get_num_threads() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cnet.get_num_threads() == 1


def test_a_quota_is_read_again_when_it_is_old(machine, monkeypatch):
    machine(8, 2.0)
    now = [1000.0]
    monkeypatch.setattr(processors, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    assert cnet.get_num_threads() == 2
    machine(8, 3.0)
    assert processors.thread_limit() == 2
    now[0] += 2
    assert processors.thread_limit() == 3


# ---- control groups ----

V2 = "35 24 0:30 / {mount} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "36 24 0:31 {root} {mount} rw,nosuid shared:10 - cgroup cgroup rw,{controllers}\n"


@pytest.fixture
def system(tmp_path):
    """Writes the files of a system; returns the folder that stands for /proc/self."""
    def write(cgroup, mountinfo, **files):
        proc = tmp_path / "proc"
        proc.mkdir(exist_ok=True)
        (proc / "cgroup").write_bytes(cgroup)
        (proc / "mountinfo").write_bytes(mountinfo)
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return str(proc)
    return write


@pytest.mark.parametrize(("own", "groups", "expected"), [
    ("/", {"": "max 100000"}, None),
    ("/", {"": "150000 100000"}, 1.5),
    ("/", {"": "20000 10000\n"}, 2.0),
    ("/a/b", {"a/b": "400000 100000", "a": "max 100000"}, 4.0),
    # A group above that has less.
    ("/a/b", {"a/b": "400000 100000", "a": "100000 100000"}, 1.0),
    ("/a/b", {"a/b": "max 100000", "": "300000 100000"}, 3.0),
    # Beside the group, not above it.
    ("/a/b", {"a/c": "100000 100000", "ab": "100000 100000"}, None),
    # What a container sees of a group outside of its own root.
    ("/../../elsewhere", {"": "200000 100000"}, 2.0),
    ("/", {"": "garbled"}, None),
    ("/", {"": ""}, None),
    ("/", {"": "-1 100000"}, None),
    ("/", {"": "100000 0"}, None),
    ("/", {"": "100000 100000 100000"}, None),
    ("/gone", {"": "max 100000"}, None),
])
def test_quota_of_version_2(system, tmp_path, own, groups, expected):
    files = {str(Path("cg", group, "cpu.max")): text for group, text in groups.items()}
    proc = system(f"0::{own}\n".encode(), V2.format(mount=tmp_path / "cg").encode(), **files)
    assert cgroups.cpu_quota(proc) == expected


@pytest.mark.parametrize(("root", "own", "group", "quota", "period", "expected"), [
    ("/", "/", "", "-1", "100000", None),
    ("/", "/", "", "250000", "100000", 2.5),
    ("/", "/user/x", "user/x", "50000", "100000", 0.5),
    ("/", "/user/x", "user", "50000", "25000", 2.0),
    # A container's mount shows its own group as the root.
    ("/docker/1f", "/docker/1f", "", "300000", "100000", 3.0),
    ("/docker/1f", "/docker/1f/inner", "inner", "300000", "100000", 3.0),
    ("/docker/1f", "/docker/1fff", "", "300000", "100000", 3.0),
    ("/", "/", "", "100000", "none", None),
])
@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_quota_of_version_1(system, tmp_path, root, own, group, quota, period, expected, controllers):
    folder = Path("cg", group)
    proc = system(
        f"11:cpuset:/other\n4:{controllers}:{own}\n1:name=systemd:/\n0::/\n".encode(),
        (V1.format(root="/", mount=tmp_path / "set", controllers="cpuset")
         + V1.format(root=root, mount=tmp_path / "cg", controllers=controllers)).encode(),
        **{str(folder / "cpu.cfs_quota_us"): quota + "\n", str(folder / "cpu.cfs_period_us"): period + "\n"},
    )
    assert cgroups.cpu_quota(proc) == expected


def test_quota_under_a_folder_with_a_space_and_beside_both_versions(system, tmp_path):
    mounts = V2.format(mount=str(tmp_path / "c g").replace(" ", r"\040")) + V1.format(
        root="/", mount=tmp_path / "one", controllers="cpu")
    files = {"c g/cpu.max": "400000 100000", "one/cpu.cfs_quota_us": "300000", "one/cpu.cfs_period_us": "100000"}
    assert cgroups.cpu_quota(system(b"2:cpu:/\n0::/\n", mounts.encode(), **files)) == 3.0


@pytest.mark.parametrize(("cgroup", "mountinfo"), [
    (b"", b""), (b"\n\n:\n", b" - \n- - -\n"), (b"\xff\xfe0::/\n", b"\xff - cgroup2 \xff"),
    (b"0::/\n", b"short - cgroup2"),
])
def test_files_that_make_no_sense_are_no_quota(system, cgroup, mountinfo):
    assert cgroups.cpu_quota(system(cgroup, mountinfo)) is None


def test_no_files_are_no_quota(tmp_path):
    assert cgroups.cpu_quota(str(tmp_path / "none")) is None


# ---- that it holds ----

COUNT = """
    import os, sys
    import numpy as np, cnet
    from cnet.core import _team, cgroups
    from cnet.datasets import digits
    cgroups.cpu_quota = lambda: None
    os.sched_getaffinity = lambda _: set(range(4))
    x, t = np.ones((20000, 784), np.float32), np.zeros(20000, int)
    x[::2] = 0
    def threads():
        return len(os.listdir("/proc/self/task"))
    before = threads()
    def started():
        return threads() - before
"""


def counted(program, **environment):
    done = run_python(textwrap.dedent(COUNT) + textwrap.dedent(program), **environment, OPENBLAS_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads as Linux shows them")
def test_one_thread_is_one_thread():
    program = """
        net = cnet.TwoLayerNet(784, 50, 10, rng=0)
        net.fit(x, t, iterations=3, n_threads=1, validation_data=(x, t))
        small = cnet.TwoLayerNet(784, 5, 10, rng=0)
        small.fit(x, t, iterations=1, batch_size=2, n_threads=1, gradient="numerical")
        print(started(), end=" ")
        cnet.set_num_threads(1)
        net.predict(x), net.loss(x, t), net.accuracy(x, t), net.gradient(x, t)
        net.fit(x, t, iterations=3, n_threads=9, validation_data=(x, t))
        small.fit(x, t, iterations=1, batch_size=2, n_threads=9, gradient="numerical")
        small.numerical_gradient(x[:3], t[:3])
        cnet.datasets.make_digits(9000, rng=0)
        print(started(), end=" ")
        cnet.set_num_threads(None)
        net.predict(x)
        print(started() > 0)
    """
    assert counted(program) == ["0", "0", "True"]
    assert counted(program, OMP_NUM_THREADS="1") == ["0", "0", "False"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads as Linux shows them")
def test_never_more_threads_than_processors():
    program = """
        net = cnet.TwoLayerNet(784, 50, 10, rng=0)
        {call}
        print(started())
    """
    for call in ("net.predict(x)", "net.gradient(x, t)", "net.fit(x, t, iterations=3, n_threads=200)",
                 "cnet.datasets.make_digits(9000, rng=0)", "net.fit(x, t, iterations=1, batch_size=2, n_threads=200, "
                 "gradient='numerical')"):
        assert 1 <= int(counted(program.format(call=call))[0]) <= 3, call


@pytest.mark.skipif(sys.platform != "linux", reason="lowers a limit of Linux")
def test_where_no_thread_can_be_started_the_caller_does_all():
    program = """
        import resource
        digits = cnet.datasets.make_digits(50, rng=0)[0]
        net = cnet.TwoLayerNet(784, 50, 10, rng=0)
        # No thread's stack fits into what is left of the addresses.
        import threading
        threading.stack_size(1 << 30)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 29), used + (1 << 29)))
        try:
            threading.Thread(target=print).start()
        except RuntimeError:
            print("none")
        assert (cnet.datasets.make_digits(9000, rng=0)[0][:50] == digits).all()
        net.predict(x), net.gradient(x, t)
        net.fit(x, t, iterations=3, n_threads=4)
        cnet.TwoLayerNet(784, 5, 10, rng=0).fit(x, t, iterations=1, batch_size=2, n_threads=4, gradient="numerical")
        print(started())
    """
    assert counted(program) == ["none", "0"]
