"""Data of all kinds: what is made of numbers is taken as it is; what is not is refused, with what to do instead."""

import datetime
import re
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn import neural_network

from cnet.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
# Numbers that every type here can hold.
X = RNG.integers(-8, 9, (40, 3)) / 4
Y = (X.sum(axis=1) > 0).astype(int)
DAY = np.datetime64("2026-01-01") + np.arange(40)
TOWNS = np.array(["Bonn", "Oslo"])[Y]


def polars():
    """polars, and whether this version of scikit-learn reads the names of its columns."""
    module = pytest.importorskip("polars")
    theirs = neural_network.MLPClassifier(5, max_iter=1)
    try:
        theirs.fit(module.DataFrame(X, schema=["a", "b", "c"]), Y)
    except (AttributeError, TypeError) as error:
        pytest.skip(f"scikit-learn {sklearn.__version__} does not read frames of polars {module.__version__}: {error}")
    return module, hasattr(theirs, "feature_names_in_")


def same_fit(x, y=Y, kind=MLPClassifier, width=None, **options):
    """A fit on data of a kind gives what one on plain float64 gives."""
    options = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0} | options
    plain = kind(**options).fit(X, np.asarray(Y, float) if kind is MLPRegressor else Y)
    given = kind(**options).fit(x, y)
    np.testing.assert_array_equal(given.predict(x), plain.predict(X))
    for one, other in zip((*given.coefs_, *given.intercepts_), (*plain.coefs_, *plain.intercepts_), strict=True):
        np.testing.assert_array_equal(one, other)
    return given


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_a_file(array, folder):
    path = folder / "numbers.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("make", [
    lambda x: x.astype(np.float16), lambda x: x.astype(np.longdouble), lambda x: x.astype(">f8"), np.asfortranarray,
    lambda x: x[::-1][::-1], read_only, lambda x: x.astype(object), lambda x: x.tolist(), np.ma.asarray,
    lambda x: np.ma.masked_array(x, np.zeros(x.shape, bool)),
], ids=["float16", "longdouble", "swapped", "Fortran", "reversed", "read-only", "objects", "lists", "masked class",
        "nothing masked"])
def test_numbers_of_any_form_are_taken(make):
    same_fit(make(X))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_whole_numbers_are_plain_numbers(dtype):
    whole = (4 * X + 8).astype(np.uint8)
    numbers = whole > 8 if dtype is bool else whole
    options = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
    expected = MLPClassifier(**options).fit(numbers.astype(float), Y).predict_proba(numbers.astype(float))
    given = numbers.astype(dtype)
    np.testing.assert_array_equal(MLPClassifier(**options).fit(given, Y).predict_proba(given), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_read_only_memory_maps_are_trained_on(tmp_path, dtype):
    mapped = in_a_file(X.astype(dtype), tmp_path)
    fitted = MLPClassifier(5, max_iter=3, random_state=0).fit(mapped, Y)
    assert fitted.coefs_[0].dtype == dtype
    np.testing.assert_array_equal(
        fitted.predict_proba(mapped), MLPClassifier(5, max_iter=3, random_state=0).fit(X.astype(dtype), Y)
        .predict_proba(X.astype(dtype)))


def test_a_sparse_matrix_in_a_memory_map(tmp_path):
    rows = scipy.sparse.csr_matrix(np.where(X > 1, X, 0))
    mapped = scipy.sparse.csr_matrix((in_a_file(rows.data, tmp_path), read_only(rows.indices), read_only(rows.indptr)),
                                     shape=rows.shape)
    options = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
    expected = MLPClassifier(**options).fit(rows, Y).predict_proba(rows)
    np.testing.assert_array_equal(MLPClassifier(**options).fit(mapped, Y).predict_proba(mapped), expected)


def test_frames_of_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    given = same_fit(frame, pd.Series(Y))
    assert given.feature_names_in_.tolist() == ["a", "b", "c"]
    same_fit(frame.astype({"a": "float32", "b": "Float64"}))
    same_fit(frame.astype({"a": object}), pd.Series(Y).astype("Int64"))
    same_fit(frame.astype({"a": "category"}))
    same_fit(frame, pd.DataFrame({"y": Y.astype(float)})["y"], MLPRegressor)
    # A frame of one column is a column.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.DataConversionWarning)
        same_fit(frame, pd.DataFrame({"y": Y.astype(float)}), MLPRegressor)
    labels = MLPClassifier(5, max_iter=3, random_state=0).fit(frame, pd.Series(pd.Categorical(TOWNS)))
    assert set(labels.predict(frame)) <= {"Bonn", "Oslo"}


def test_frames_of_polars():
    pl, reads_names = polars()
    frame = pl.DataFrame(X, schema=["a", "b", "c"])
    given = same_fit(frame, pl.Series(Y))
    same_fit(frame.with_columns(pl.col("a").cast(pl.Float32)))
    same_fit(frame, pl.Series(Y.astype(float)), MLPRegressor)
    labels = MLPClassifier(5, max_iter=3, random_state=0).fit(frame, pl.Series(TOWNS))
    assert labels.classes_.tolist() == ["Bonn", "Oslo"] and set(labels.predict(frame)) <= {"Bonn", "Oslo"}
    if reads_names:
        assert given.feature_names_in_.tolist() == ["a", "b", "c"]
        with pytest.raises(ValueError, match="feature names"):
            given.predict(frame.select("b", "a", "c"))
    with pytest.raises(ValueError, match=r"X must hold numbers, got text: X, row 0 in column 'b', is '\w+'; encode it"):
        MLPClassifier().fit(frame.with_columns(b=pl.Series(TOWNS)), Y)
    with pytest.raises(ValueError, match=r"got dates or times: datetime64\[D\] in column 'c'"):
        MLPClassifier().fit(frame.with_columns(c=pl.Series(DAY)), Y)


TEXT = X.astype(object)
TEXT[2, 1] = "Oslo"
WRONG = {
    "text": (X.astype(str), r"X must hold numbers, got text: X\[0, 0\] is '[-.\d]+'; write X.astype\(float\) if"),
    "bytes": (X.astype("S"), r"X must hold numbers, got text: X\[0, 0\] is b'[-.\d]+'"),
    "a word": (TEXT, r"got text: X\[2, 1\] is 'Oslo'; encode it first, for example with sklearn.preprocessing.OneHot"),
    "words in lists": (TEXT.tolist(), "X must hold numbers, got text: X"),
    "dates": (np.stack([DAY] * 3, axis=1), r"X must hold numbers, got dates or times: datetime64\[D\]; make numbers"),
    "spans": (np.stack([DAY - DAY[0]] * 3, axis=1), r"got dates or times: timedelta64\[D\]"),
    "a date": (np.array([[1.0, 2.0, datetime.date(2026, 1, 1)]] * 40, object),
               r"got dates or times: X\[0, 2\] is datetime.date"),
    "masked": (np.ma.masked_less(X, 0), r"X is a masked array with masked values; fill them first, with X.filled"),
    "records": (np.zeros((40, 1), [("a", float), ("b", float)]), "got records with the fields a, b; pass numpy.lib"),
    "complex": (X + 1j, "Complex data not supported"),
    "ragged": ([[1.0, 2.0], [3.0]] * 20, "inhomogeneous"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_number_is_refused_by_every_method(name):
    wrong, message = WRONG[name]
    fitted = MLPClassifier(5, max_iter=2, random_state=0).fit(X, Y)
    for call in (lambda: MLPClassifier().fit(wrong, Y), lambda: MLPRegressor().partial_fit(wrong, Y),
                 lambda: fitted.predict(wrong), lambda: fitted.hidden_activations(wrong)):
        with pytest.raises(ValueError, match=message):
            call()
    if name not in ("complex", "ragged"):
        message = message.replace("X", "X_val")
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, Y, X_val=wrong, y_val=Y)


def test_columns_of_pandas_that_are_no_numbers_are_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    for wrong, message in (
        (frame.assign(b=TOWNS), r"X, row 0 in column 'b', is '\w+'; encode"),
        (frame.assign(b=pd.Categorical(TOWNS)), r"X, row 0 in column 'b', is '\w+'; encode"),
        (frame.assign(c=pd.Series(DAY)), r"got dates or times: datetime64\[\w+\] in column 'c'"),
        (frame.assign(c=pd.Series(DAY).dt.tz_localize("UTC")), "in column 'c'"),
        (frame.assign(a=pd.Series(DAY - DAY[0])), r"timedelta64\[\w+\] in column 'a'"),
        (pd.DataFrame({"t": DAY, "u": DAY}), "in column 't'"),
    ):
        with pytest.raises(ValueError, match=message):
            MLPClassifier().fit(wrong, Y)
    missing = frame.astype({"a": "Float64"})
    missing.iloc[3, 0] = pd.NA
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MLPClassifier().fit(missing, Y)
    with pytest.raises(ValueError, match=r"row 3 in column 'a', is missing \(<NA>\); drop such samples, or fill"):
        MLPClassifier().fit(missing.astype({"a": object}), Y)


@pytest.mark.parametrize(("y", "message"), [
    (TOWNS, r"y must hold numbers, got text: y\[0\] is '\w+'"),
    (Y.astype(str), r"y must hold numbers, got text: y\[0\] is '[01]'; write y.astype\(float\)"),
    (TOWNS.astype(object), r"y must hold numbers, got text"), (Y.astype("S"), "got text"),
    (DAY, "y must hold numbers, got dates"), (np.ma.masked_equal(Y, 0), "y is a masked array with masked values"),
], ids=["text", "digits", "objects", "bytes", "dates", "masked"])
def test_targets_of_a_regressor_are_numbers(y, message):
    for call in (MLPRegressor().fit, MLPRegressor().partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, y)
    with pytest.raises(ValueError, match=re.sub(r"\by\b", "y_val", message)):
        MLPRegressor().fit(X, Y, X_val=X, y_val=y)


@pytest.mark.parametrize(("y", "message"), [
    (np.ma.masked_equal(Y, 0), "y is a masked array with masked values"),
    (np.where(Y == 1, TOWNS.astype(object), None), r"y\[\d+\] is missing \(None\); drop such samples"),
    (np.where(np.arange(40) == 7, np.datetime64("NaT"), DAY), r"y\[7\] is missing \(NaT\)"),
    (np.zeros(40, [("a", float), ("b", float)]), "records with the fields a, b"),
    (np.where(Y == 1, np.nan, Y), "contains NaN"), (Y + 1j, "Complex data"),
], ids=["masked", "missing", "no date", "records", "NaN", "complex"])
def test_what_is_no_label_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, y)


@pytest.mark.parametrize("wrong", ["numbers", b"numbers", {"a": [1]}, {1, 2}, iter([[1.0]])],
                         ids=["text", "bytes", "dict", "set", "iterator"])
def test_what_is_no_array_is_refused(wrong):
    fitted = MLPRegressor(hidden_layer_sizes=5, max_iter=2).fit(X, Y)
    for name, call in (
        ("X", lambda: MLPClassifier().fit(wrong, Y)), ("X", lambda: fitted.predict(wrong)),
        ("y", lambda: MLPClassifier().fit(X, wrong)), ("y", lambda: MLPRegressor().fit(X, wrong)),
        ("sample_weight", lambda: MLPRegressor().fit(X, Y, wrong)),
        ("X_val", lambda: MLPRegressor().fit(X, Y, X_val=wrong, y_val=Y)),
    ):
        with pytest.raises(ValueError, match=f"{name} must be an array, a data frame or a list, got"):
            call()


def test_labels_of_several_types_and_lists_of_labels_are_refused():
    with pytest.raises(ValueError, match="labels that cannot be sorted, of the types float, int, str; write y.astype"):
        MLPClassifier().fit(X, np.array(["a", 1, 2.5, "b"] * 10, object))
    with pytest.raises(ValueError, match=r"sklearn.preprocessing.MultiLabelBinarizer\(\).fit_transform\(y\)"):
        MLPClassifier().fit(X, [["a", "b"], ["a"]] * 20)
    with pytest.raises(ValueError, match=r"y\[0\] is missing \(None\)"):
        MLPRegressor().fit(X, np.array([None, 1.0] * 20, object))


def test_dates_are_labels():
    day = np.where(Y == 1, DAY[0], DAY[1])
    fitted = MLPClassifier(5, max_iter=200, random_state=0, learning_rate_init=0.05).fit(X, day)
    assert fitted.classes_.tolist() == DAY[:2].tolist() and fitted.score(X, day) > 0.9


def test_sparse_targets_are_indicators_alone():
    indicators = np.c_[Y, 1 - Y]
    plain = MLPClassifier(5, max_iter=3, random_state=0).fit(X, indicators)
    for kind in ("csr", "lil", "dok"):
        sparse = scipy.sparse.csr_array(indicators).asformat(kind)
        given = MLPClassifier(5, max_iter=3, random_state=0).fit(X, sparse)
        assert given.loss_curve_ == plain.loss_curve_
        np.testing.assert_array_equal(given.predict(X).toarray(), plain.predict(X))
        with pytest.raises(ValueError, match=r"y must be dense for a regressor, got a sparse matrix; pass y\.to"):
            MLPRegressor().fit(X, sparse)


def test_weights_that_leave_nothing_are_named():
    with pytest.raises(ValueError, match="^class_weight is 0 for every sample; at least one must be above 0"):
        MLPClassifier(class_weight={0: 0, 1: 0}).fit(X, Y)
    with pytest.raises(ValueError, match="^class_weight times sample_weight is 0 for every sample"):
        MLPClassifier(class_weight={0: 0}).fit(X, Y, sample_weight=Y == 0)


@pytest.mark.parametrize(("weight", "message"), [
    (TOWNS, "sample_weight must hold numbers, got text"), (DAY, "sample_weight must hold numbers, got dates"),
    (np.ma.masked_equal(Y, 0), "sample_weight is a masked array"), (np.full(40, np.nan), "NaN"), (np.nan, "NaN"),
    (-1, re.escape("sample_weight[0] = -1.0 is not")), (np.ones(40) + 1j, "Complex"),
])
def test_weights_are_numbers(weight, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, Y, sample_weight=weight)


def test_numbers_too_large_for_the_type_of_the_fit_are_said_to_be_so():
    huge = X.astype(np.longdouble)
    huge[3] *= np.longdouble(10) ** 400 if np.finfo(np.longdouble).max > 1e308 * 10 else np.inf
    with pytest.raises(ValueError, match="Input X contains infinity or a value too large"):
        MLPClassifier().fit(huge, Y)
    large = np.where(np.arange(40)[:, None] == 3, 1e300, X)
    with pytest.raises(ValueError, match="Input X contains infinity or a value too large"):
        MLPClassifier(dtype=np.float32).fit(large, Y)
    with pytest.raises(ValueError, match=r"too large for float32, in which the inputs are: sample 3 has \[1.e\+300\]"):
        MLPRegressor().fit(X.astype(np.float32), large[:, 0])
