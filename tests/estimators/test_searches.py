"""Searches in several processes, and on clusters through joblib: each worker takes its share of the processors."""

import os

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score

import cnet
from cnet.estimators import MLPClassifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, Y = load_iris(return_X_y=True)


def accuracy_and_threads(estimator, x, y):
    """What a scorer sees in the process that fitted."""
    return {"accuracy": estimator.score(x, y), "threads": cnet.get_num_threads(), "process": os.getpid()}


def search(n_jobs):
    return GridSearchCV(
        MLPClassifier(20, max_iter=40, random_state=0, learning_rate_init=0.01), {"alpha": [1e-4, 1e-2, 1.0]},
        scoring=accuracy_and_threads, refit="accuracy", cv=3, n_jobs=n_jobs,
    )


def results(searched, name):
    return np.concatenate([searched.cv_results_[f"split{i}_test_{name}"] for i in range(3)])


@pytest.fixture(scope="module")
def expected():
    return search(1).fit(X, Y)


@pytest.fixture
def unset(monkeypatch):
    """Workers inherit no limit of the tests' own."""
    for name in ("CNET_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_two_jobs_share_the_processors(unset, expected):
    given = search(2).fit(X, Y)
    processes = set(results(given, "process"))
    assert os.getpid() not in processes
    assert results(given, "threads").max() <= max(1, joblib.cpu_count() // 2)
    np.testing.assert_array_equal(results(given, "accuracy"), results(expected, "accuracy"))
    assert given.best_params_ == expected.best_params_


def test_a_search_beside_threads_of_joblib(unset, expected):
    """Threads of one process lend each other the workers of the pool, and give the same bits."""
    with joblib.parallel_config("threading", n_jobs=2):
        given = search(None).fit(X, Y)
    assert set(results(given, "process")) == {os.getpid()}
    np.testing.assert_array_equal(results(given, "accuracy"), results(expected, "accuracy"))


# Their servers leave sockets and loops to the garbage collector.
clusters = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning",
                                      "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@clusters
@pytest.mark.parametrize("processes", [True, False])
def test_on_a_local_cluster_of_dask(unset, expected, processes, tmp_path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2 if processes else 1, threads_per_worker=1 if processes else 2, processes=processes,
        host="127.0.0.1" if processes else None, dashboard_address=None, local_directory=str(tmp_path),
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        given = search(None).fit(X, Y)
        scores = cross_val_score(MLPClassifier(20, max_iter=40, random_state=0), X, Y, cv=3)
    np.testing.assert_array_equal(results(given, "accuracy"), results(expected, "accuracy"))
    np.testing.assert_array_equal(
        scores, cross_val_score(MLPClassifier(20, max_iter=40, random_state=0), X, Y, cv=3))
    assert (os.getpid() in results(given, "process")) is not processes
    if processes:
        # Dask starts each process of a cluster with OMP_NUM_THREADS=1.
        assert set(results(given, "threads")) == {1}


@clusters
def test_on_a_local_cluster_of_ray(unset, expected, monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    root = os.path.dirname(os.path.dirname(cnet.__file__))
    here = os.path.dirname(__file__)
    ray.init(
        num_cpus=2, include_dashboard=False, configure_logging=False, log_to_driver=False, _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([root, here])}},
    )
    try:
        register_ray()
        with joblib.parallel_config("ray", n_jobs=2):
            given = search(None).fit(X, Y)
    finally:
        ray.shutdown()
    assert os.getpid() not in results(given, "process")
    # Ray starts a worker with as many threads as it has processors of the cluster.
    assert set(results(given, "threads")) == {1}
    np.testing.assert_array_equal(results(given, "accuracy"), results(expected, "accuracy"))
