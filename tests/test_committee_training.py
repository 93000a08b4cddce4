"""Training committees: the same bits by any executor, folders that go on after crashes, and what is refused by name."""

import functools
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.augment import Distort
from cnet.optimizers import Adam
from cnet.preprocess import Normalize

X, T = cnet.datasets.make_digits(120, rng=0)
N = 4
OPTIONS = {"epochs": 2, "batch_size": 30, "optimizer": "adam", "dropout": 0.1, "augment": Distort(), "rng": 5,
           "preprocessing": [None, Normalize()], "averaging": 0.9}
ROOT = Path(cnet.__file__).parents[1]

make_network = functools.partial(cnet.MultiLayerNet, 784, [12], 10)


def written(committee):
    file = io.BytesIO()
    committee.save(file)
    return file.getvalue()


def train(n=N, **options):
    return cnet.Committee.train(make_network, X, T, n=n, **{**OPTIONS, **options})


@pytest.fixture(scope="module")
def expected():
    """The file that all must write."""
    return written(train())


@pytest.fixture
def processes(monkeypatch, tmp_path):
    """Two processes that begin afresh, as on any system, and can import the helpers below."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
    (tmp_path / "committee_helpers.py").write_text(textwrap.dedent(HELPERS))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "committee_helpers", raising=False)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


HELPERS = """
    import os, time

    class At:
        '''A callback that does something while one network is trained; the others wait for that.'''

        def __init__(self, seed, action, path=None):
            self.seed, self.action, self.path = seed, action, path

        def __call__(self, info):
            if info.network.seed == self.seed and info.epoch == 2:
                if self.action == "die":
                    time.sleep(0.3)
                    os._exit(1)
                raise self.action

    class CountThreads:
        def __init__(self, folder):
            self.folder = folder

        def __call__(self, info):
            with open(os.path.join(self.folder, f"threads-{info.network.seed}"), "w") as file:
                file.write(str(len(os.listdir("/proc/self/task"))))
"""


def seeds(n=N):
    """Of the networks of these tests."""
    from cnet.committee_training import Training

    training = Training(make_network, X, T, n, executor=None, folder=None, rng=5, preprocessing=None, progress=False,
                        options={})
    return [training.new_network(i).seed for i in range(n)]


def test_each_network_is_what_fit_makes_of_it():
    committee = train()
    key = int(np.random.SeedSequence(5).generate_state(1, np.uint64)[0])
    for i, net in enumerate(committee.networks):
        other = make_network(rng=int(np.random.SeedSequence([key, i]).generate_state(1, np.uint64)[0]))
        options = {name: value for name, value in OPTIONS.items() if name not in ("rng", "preprocessing")}
        other.fit(Normalize()(X) if i % 2 else X, T, **options)
        assert net.params == other.params and net.history == other.history and net._core.optimizer_state is None
    assert committee.preprocessing == (None, Normalize(), None, Normalize())
    assert len({net.seed for net in committee.networks}) == N


def test_threads_make_the_same_bits(expected):
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            assert written(train(executor=executor)) == expected
    assert written(train(n_threads=2)) == written(train(n_threads=1)) == expected


def test_processes_make_the_same_bits(processes, expected):
    assert written(train(executor=processes)) == expected
    # What makes the networks, and is called here, need not be picklable.
    committee = cnet.Committee.train(
        lambda rng: cnet.MultiLayerNet(784, [12], 10, rng=rng), X, T, n=2, executor=processes, **OPTIONS)
    assert [net.params for net in committee.networks] == [net.params for net in train(2).networks]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_makes_the_same_bits(expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
        local_directory=os.fspath(tmp_path / "dask"),
    ) as cluster, distributed.Client(cluster) as client:
        assert written(train(executor=client.get_executor(), folder=tmp_path / "committee")) == expected
    assert len(list((tmp_path / "committee").glob("network-*.safetensors"))) == N


MPI = """
    import functools, sys
    import numpy as np
    import cnet
    from mpi4py.futures import MPIPoolExecutor

    if __name__ == "__main__":
        path, folder, x, t = sys.argv[1:]
        options = {"epochs": 2, "batch_size": 30, "optimizer": "adam", "dropout": 0.1, "averaging": 0.9, "rng": 5,
                   "augment": cnet.augment.Distort(), "preprocessing": [None, cnet.preprocess.Normalize()]}
        with MPIPoolExecutor() as executor:
            print("workers:", executor.num_workers)
            committee = cnet.Committee.train(
                functools.partial(cnet.MultiLayerNet, 784, [12], 10), np.load(x), np.load(t), n=4, executor=executor,
                folder=folder, **options)
        committee.save(path)
"""


@pytest.mark.slow
def test_mpi_makes_the_same_bits(expected, tmp_path):
    pytest.importorskip("mpi4py")
    if not shutil.which("mpiexec"):
        pytest.skip("mpiexec is not installed")
    (tmp_path / "program.py").write_text(textwrap.dedent(MPI))
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "t.npy", T)
    # As root, with more processes than cores, and on the loopback interface alone: Open MPI's words and MPICH's.
    words = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_oob_tcp_if_include": "lo", "HYDRA_IFACE": "lo",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    done = subprocess.run(
        ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", tmp_path / "program.py",
         *(tmp_path / name for name in ("committee", "folder", "x.npy", "t.npy"))],
        env={**os.environ, **words, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}, capture_output=True,
        text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "workers: 2" in done.stdout
    assert (tmp_path / "committee").read_bytes() == expected


class Recorder:
    """An executor that remembers what it is given."""

    def __init__(self):
        self.given = []

    def submit(self, function, *arguments):
        self.given.append(arguments)
        future = Future()
        future.set_result(function(*arguments))
        return future


def test_workers_use_one_thread_unless_told_otherwise():
    executor = Recorder()
    train(2, executor=executor)
    train(2, executor=executor, n_threads=3)
    assert [arguments[-1]["n_threads"] for arguments in executor.given] == [1, 1, 3, 3]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_processes_do_not_start_more_threads_than_they_have_cores_for(processes, tmp_path):
    from committee_helpers import CountThreads

    train(executor=processes, callback=CountThreads(os.fspath(tmp_path)))
    counts = [int((tmp_path / f"threads-{seed}").read_text()) for seed in seeds()]
    one = counts[0]
    # Python's own, and none of cnet's.
    assert counts == [one] * N and one <= 3


def test_a_folder_goes_on_with_what_is_missing(expected, tmp_path):
    folder = tmp_path / "some" / "committee"
    assert written(train(2, folder=folder)) == written(train(2))
    assert sorted(path.name for path in folder.iterdir()) == [
        "committee.json", "network-000.safetensors", "network-001.safetensors"]
    times = [path.stat().st_mtime_ns for path in sorted(folder.glob("network*"))]
    assert written(train(folder=os.fspath(folder))) == expected
    assert [path.stat().st_mtime_ns for path in sorted(folder.glob("network*"))][:2] == times
    # Without a seed, the folder's.
    assert written(train(folder=folder, rng=None)) == expected
    with ThreadPoolExecutor(2) as executor:
        (folder / "network-002.safetensors").unlink()
        assert written(train(folder=folder, executor=executor)) == expected
    # Threads and callbacks may change.
    assert written(train(3, folder=folder, n_threads=2, callback=print)) == written(train(3))


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_what_ends_a_training_leaves_what_is_finished(error, expected, tmp_path):
    def callback(info):
        if info.network.seed == seeds()[2]:
            raise error

    with pytest.raises(type(error)) as caught:
        train(folder=tmp_path, callback=callback)
    notes = "\n".join(caught.value.__notes__)
    assert "ended the training of network 2 (of 0 to 3)" in notes
    assert f"2 of 4 networks are finished, in {tmp_path}; the same call goes on" in notes
    assert len(list(tmp_path.glob("network*"))) == 2
    assert written(train(folder=tmp_path)) == expected
    with pytest.raises(type(error)) as caught:
        train(callback=callback)
    assert "2 of 4 networks are finished, and lost, because no folder was given" in "\n".join(caught.value.__notes__)


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_what_ends_a_worker_leaves_what_is_finished(error, processes, expected, tmp_path):
    from committee_helpers import At

    with pytest.raises(type(error)) as caught:
        train(folder=tmp_path / "committee", executor=processes, callback=At(seeds()[2], error))
    notes = "\n".join(caught.value.__notes__)
    assert "ended the training of network 2" in notes and "networks are finished, in" in notes
    names = {path.name for path in (tmp_path / "committee").glob("network*")}
    assert names and "network-002.safetensors" not in names
    assert f"{len(names)} of 4 networks" in notes
    if isinstance(error, Exception):
        # What was under way was worth waiting for.
        assert len(names) == 3
    assert written(train(folder=tmp_path / "committee", executor=processes)) == expected


def test_divergence_comes_back_from_a_worker(processes):
    with pytest.raises(cnet.DivergenceError, match="learning rate") as caught:
        train(executor=processes, learning_rate=1e30, optimizer="sgd")
    assert len(caught.value.history.loss) == caught.value.iteration + 1


def test_a_worker_that_dies_leaves_what_is_finished(processes, expected, tmp_path):
    from committee_helpers import At

    with pytest.raises(BrokenProcessPool) as caught:
        train(folder=tmp_path / "committee", executor=processes, callback=At(seeds()[3], "die"))
    n = len(list((tmp_path / "committee").glob("network*")))
    assert f"{n} of 4 networks are finished" in "\n".join(caught.value.__notes__) and 1 <= n <= 3
    assert written(train(folder=tmp_path / "committee")) == expected


PROGRAM = """
    import functools, sys, time
    import cnet

    x, t = cnet.datasets.make_digits(120, rng=0)
    folder, slow = sys.argv[1], sys.argv[2] == "slow"
    options = {"epochs": 2, "batch_size": 30, "optimizer": "adam", "dropout": 0.1, "averaging": 0.9, "rng": 5,
               "augment": cnet.augment.Distort(), "preprocessing": [None, cnet.preprocess.Normalize()]}
    cnet.Committee.train(
        functools.partial(cnet.MultiLayerNet, 784, [12], 10), x, t, n=4, folder=folder, **options,
        callback=(lambda info: time.sleep(0.2)) if slow else None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("which", ["SIGKILL", "SIGINT"])
def test_a_process_that_is_killed_goes_on(which, expected, tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    folder = tmp_path / "committee"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, tmp_path / "program.py", folder]
    with subprocess.Popen([*command, "slow"], env=environment, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not (folder / "network-000.safetensors").exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        running.send_signal(getattr(signal, which))
        told = running.communicate()[1]
    n = len(list(folder.glob("network*")))
    assert running.returncode != 0 and 1 <= n < N
    if which == "SIGINT":
        assert f"{n} of 4 networks are finished, in {folder}" in told and "KeyboardInterrupt" in told
    # What was half written does no harm.
    (folder / ".cnet-0123456789abcdef.tmp").write_bytes(b"half")
    assert subprocess.run([*command, "quick"], env=environment, check=False).returncode == 0
    assert written(train(folder=folder)) == expected


def test_validation_data_are_preprocessed_too():
    x, t = cnet.datasets.make_digits(50, rng=7)
    data = {"validation_data": (x, t), "preprocessing": Normalize(width=14)}
    for executor in (None, Recorder()):
        (net,) = train(1, executor=executor, averaging=None, **data).networks
        assert net.history.validation_accuracy[-1] == net.accuracy(Normalize(width=14)(x), t)


def test_a_subclass_and_a_bar():
    class Mine(cnet.Committee):
        def __init__(self):
            raise AssertionError("__init__ was called")

    class Bar:
        n, told = 0, []

        def reset(self, total):
            self.told.append(total)

        def update(self, n):
            self.n += n
            self.told.append(self.n)

        def set_postfix(self, **_):
            pass

        def close(self):
            self.told.append("closed")

    committee = Mine.train(make_network, X, T, n=2, epochs=1, progress=Bar())
    assert type(committee) is Mine and Bar.told == [2, 0, 1, 2, "closed"]


def never(rng=None):
    raise AssertionError("called")


BAD = [
    ({"make_network": 5}, TypeError, "make_network must be callable, got 5"),
    ({"make_network": lambda rng: 5}, TypeError, "make_network.rng=.... must return a MultiLayerNet or a TwoLayerNet"),
    ({"make_network": lambda rng: make_network(rng=None)}, ValueError, "same network for the same rng: hand rng on"),
    ({"make_network": lambda rng: make_network(rng=0)}, ValueError, "networks 0 and 1 have the same: hand rng on"),
    ({"make_network": lambda rng: cnet.MultiLayerNet(784, [], 10 + rng % 2, rng=rng)}, ValueError, "that fit together"),
    ({"executor": 5}, TypeError, "executor must be None or a concurrent.futures.Executor"),
    ({"executor": ThreadPoolExecutor}, TypeError, "executor must be None or"),
    ({"n": 0}, ValueError, "n must be from 1 to 1000"),
    ({"n": 2.0}, TypeError, "n must be an integer"), ({"rng": -1}, ValueError, "rng must not be negative"),
    ({"folder": 5}, TypeError, "folder must be a str"), ({"progress": "yes"}, TypeError, "progress must be"),
    ({"preprocessing": []}, ValueError, "preprocessing must hold at least one"),
    ({"preprocessing": [None, 5]}, TypeError, r"preprocessing\[1\] must be None"),
    ({"preprocessing": Normalize(image_shape=(2, 2))}, ValueError, r"preprocessing\[0\]: x has 784 columns"),
    ({"epoch": 5}, TypeError, "unexpected keyword argument 'epoch'; it takes those of fit: iterations, epochs"),
    ({"epochs": 0}, ValueError, "epochs must be from 1"),
    ({"dropout": [0.1, 0.2]}, ValueError, "dropout must hold one"),
    ({"optimizer": "adams"}, ValueError, "optimizer must be one of"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD, ids=range(len(BAD)))
def test_wrong_arguments_are_refused_by_name(options, error, message, tmp_path):
    given = {"make_network": make_network, "n": 40, "epochs": 1, "folder": tmp_path / "committee", **options}
    with pytest.raises(error, match=message):
        cnet.Committee.train(given.pop("make_network"), X[:5], T[:5], **given)


OTHERS = [
    ({"rng": 6}, "key was"), ({"batch_size": 31}, "batch_size was '30', and is now '31'"),
    ({"optimizer": Adam(lr=0.1)}, "optimizer was"), ({"learning_rate": 0.1}, "learning_rate was 'the default'"),
    ({"augment": None}, "augment was"), ({"preprocessing": None}, "preprocessing was"),
    ({"sample_weight": np.ones(120)}, "sample_weight was"), ({"schedule": lambda i, n: 1.0}, "schedule was"),
]


@pytest.mark.parametrize(("options", "message"), OTHERS, ids=range(len(OTHERS)))
def test_a_folder_of_another_training_is_refused(options, message, tmp_path):
    train(1, folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"holds a committee of another training: {message}"):
        train(1, folder=tmp_path, **options)
    for x, t, make, message in ((X[::-1], T, make_network, "data was"), (X, T[::-1], make_network, "data was"),
                                (X, T, functools.partial(cnet.MultiLayerNet, 784, [13], 10), "network was"),
                                (X, T, functools.partial(make_network, weight_init_std=0.1), "parameters was")):
        with pytest.raises(ValueError, match=f"holds a committee of another training: {message}"):
            cnet.Committee.train(make, x, t, n=1, folder=tmp_path, **OPTIONS)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_options_that_are_functions_are_known_by_name(tmp_path):
    def schedule(i, n):
        return 1 - i / n / 2

    first = train(1, folder=tmp_path, schedule=schedule, sample_weight=np.ones(120))
    assert written(train(1, folder=tmp_path, schedule=schedule, sample_weight=np.ones(120))) == written(first)


@pytest.mark.parametrize("kind", ["array", "list", "tuple", "series"])
def test_weights_of_any_kind_are_known_by_all_their_values(kind, tmp_path):
    make = {"array": np.asarray, "list": list, "tuple": tuple}.get(kind) or pytest.importorskip("pandas").Series
    weights = np.linspace(1, 2, 120)
    first = train(1, folder=tmp_path, sample_weight=make(weights))
    assert written(train(1, folder=tmp_path, sample_weight=make(weights))) == written(first)
    assert (tmp_path / "committee.json").stat().st_size < 2000
    weights[60] += 0.25
    with pytest.raises(ValueError, match="holds a committee of another training: sample_weight was"):
        train(1, folder=tmp_path, sample_weight=make(weights))


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch):
    train(1, folder=tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    told = []
    with pytest.raises(PermissionError, match=tmp_path.name):
        train(2, folder=tmp_path, callback=told.append)
    assert not told and len(train(1, folder=tmp_path)) == 1


@pytest.mark.parametrize("data", [3, (X,), iter((X, T))])
def test_validation_data_that_are_no_pair_are_refused_by_name(data):
    for prepare in (None, Normalize()):
        with pytest.raises(TypeError, match=r"validation_data must be a pair \(x, t\)"):
            train(1, validation_data=data, preprocessing=prepare, averaging=None)


@pytest.mark.parametrize("text", [
    b"", b"[]", b"{}", b"null", b'{"cnet_committee": 2}', b"\xff", b"[" * 10**4, b"x" * (2 << 20),
    {"key": -1}, {"key": 1.0}, {"key": 2**64}, {"key": True}, {"key": None}, {"more": 1}, {"data": ...}, {"fit": ...},
    {"cnet_committee": "1"},
], ids=str)
def test_a_damaged_record_is_refused(text, tmp_path):
    train(1, folder=tmp_path)
    path = tmp_path / "committee.json"
    if isinstance(text, dict):
        tree = {**json.loads(path.read_bytes()), **text}
        text = json.dumps({name: value for name, value in tree.items() if value is not ...}).encode()
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"committee.json is damaged, or not of this version of cnet: ") as caught:
        train(1, folder=tmp_path)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.parametrize("fit", [[], 5, {"epochs": 5}, {"epochs": {"a": 1}}, {}, None])
def test_a_record_of_other_things_is_another_training(fit, tmp_path):
    train(1, folder=tmp_path)
    path = tmp_path / "committee.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "fit": fit}))
    with pytest.raises(ValueError, match="holds a committee of another training: "):
        train(1, folder=tmp_path)


def test_a_network_of_another_training_or_a_damaged_one_is_refused(tmp_path):
    train(2, folder=tmp_path)
    path, other = (tmp_path / f"network-{i:03d}.safetensors" for i in range(2))
    whole = path.read_bytes()
    for data in (whole[:-1], b"", whole[:100], bytes(len(whole))):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="cannot read") as caught:
            train(2, folder=tmp_path)
        assert "network 0 of the committee is trained again once the file is removed" in caught.value.__notes__
    path.write_bytes(other.read_bytes())
    with pytest.raises(ValueError, match="is not network 0 of this training"):
        train(2, folder=tmp_path)
    train(2).save(path)
    with pytest.raises(ValueError, match="is not network 0 of this training: <Committee"):
        train(2, folder=tmp_path)
    path.unlink()
    train(2, folder=tmp_path)
    assert path.read_bytes() == whole


def test_a_network_of_another_seed_is_told_by_its_seed(tmp_path):
    committee = train(2, folder=tmp_path)
    one, other = (net.seed for net in committee.networks)
    shutil.copy(tmp_path / "network-001.safetensors", tmp_path / "network-000.safetensors")
    with pytest.raises(ValueError, match=rf"with the seed {other}, expected .* with the seed {one}; remove it"):
        train(2, folder=tmp_path)


def test_networks_of_a_subclass_go_on_as_such(tmp_path):
    class Mine(cnet.MultiLayerNet):
        pass

    def again(n):
        options = {**OPTIONS, "folder": tmp_path}
        return cnet.Committee.train(lambda rng: Mine(784, [12], 10, rng=rng), X, T, n=n, **options)

    again(2)
    committee = again(3)
    assert {type(net) for net in committee.networks} == {Mine}
    assert written(committee) == written(train(3))


def test_a_record_that_is_no_file_is_named(tmp_path):
    (tmp_path / "committee.json").mkdir()
    with pytest.raises(ValueError, match=r"committee.json is not a file; choose another folder"):
        train(1, folder=tmp_path)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        train(1, folder=tmp_path / "file")
