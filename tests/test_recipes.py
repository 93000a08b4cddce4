"""Recipes: tables that train, print, change, and refuse what makes no sense."""

import dataclasses

import numpy as np
import pytest

import cnet
from cnet import recipes
from cnet.augment import Distort
from cnet.options import FitOptions
from cnet.preprocess import Normalize
from cnet.recipes import RECIPES, Recipe
from cnet.schedules import Cosine

X, T = cnet.datasets.make_digits(260, rng=0)
SMALL = {"hidden": (12,), "epochs": 2, "iterations": None}


def test_the_table_of_recipes():
    assert all(name == recipe.name and getattr(recipes, name.upper()) is recipe for name, recipe in RECIPES.items())
    assert {"RECIPES", "Recipe", *map(str.upper, RECIPES)} == set(recipes.__all__)
    # The command knows the names before it imports the recipes.
    from cnet.cli import training_options

    assert tuple(RECIPES) == training_options.RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_is_a_table_that_trains(name):
    recipe = RECIPES[name]
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 5
    # Every argument of fit that decides what a network learns can be one of a recipe's settings.
    known = set(recipe.fit_options())
    assert known == {field.name for field in dataclasses.fields(FitOptions)} - {
        "gradient", "n_threads", "clip_norm", "validation_split", "early_stopping"}
    small = dataclasses.replace(recipe, **SMALL, networks=min(recipe.networks, 2))
    net = small.train(X, T, rng=3)
    assert isinstance(net, cnet.Committee) is (recipe.networks > 1 or recipe.preprocessing != ())
    if recipe.networks == 1:
        prepare = recipe.preprocessing[0] if recipe.preprocessing else np.asarray
        other = cnet.TwoLayerNet(784, 12, 10, recipe.weight_init_std, activation=recipe.activation, rng=3)
        other.fit(prepare(X), T, **small.fit_options())
        assert other.params == (net.networks[0] if recipe.preprocessing else net).params


def test_several_layers_make_another_class():
    recipe = dataclasses.replace(recipes.DEEP, hidden=[9, 8], epochs=1)
    assert recipe.hidden == (9, 8) != recipes.DEEP.hidden == (1024, 1024)
    net = recipe.train(X, T, rng=0).networks[0]
    assert type(net) is cnet.MultiLayerNet and net.sizes == (784, 9, 8, 10)


def test_other_images_and_targets():
    x = np.random.default_rng(0).random((120, 9))
    recipe = dataclasses.replace(recipes.FASTEST, epochs=1)
    assert recipe.train(x, np.arange(120) % 12, rng=0).sizes == (9, 128, 12)
    assert recipe.train(x, np.eye(3)[np.arange(120) % 3], rng=0).sizes == (9, 128, 3)
    told = []
    recipe.train(x, np.arange(120) % 3, rng=0, callback=told.append, validation_data=(x, np.arange(120) % 3))
    assert len(told) == 1 and told[0].validation_accuracy is not None


@pytest.mark.parametrize(("x", "t", "error", "message"), [
    (X.reshape(-1, 28, 28), T, ValueError, r"x must have shape \(N, I\), one image in each row, got \(260, 28, 28\)"),
    (X[0], T[:1], ValueError, "x must have shape"), (None, T, TypeError, "x must hold real numbers, got NoneType"),
    (iter(X), T, TypeError, "x must hold real numbers"), (X, None, TypeError, "t must hold real numbers, got NoneType"),
    (X, T.astype(str), TypeError, "t must hold real numbers, got strings"), (X, np.full(260, np.nan), ValueError, "t"),
    (X, np.full(260, np.inf), ValueError, "t"), (X, T - 1.0, ValueError, "is not a class"),
])
def test_wrong_data_are_refused_by_name(x, t, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(recipes.FASTEST, epochs=1).train(x, t, rng=0)


def test_a_length_takes_the_place_of_the_recipes():
    assert dataclasses.replace(recipes.FASTEST, hidden=(5,)).train(X, T, rng=0, iterations=7).iterations == 7
    assert dataclasses.replace(recipes.CHAPTER, hidden=(5,)).train(X, T, rng=0, epochs=2).iterations == 6
    with pytest.raises(ValueError, match="give iterations or epochs, not both"):
        recipes.FASTEST.train(X, T, rng=0, iterations=7, epochs=2)


def test_a_committee_goes_into_a_folder(tmp_path):
    recipe = dataclasses.replace(recipes.COMMITTEE, **SMALL, networks=3)
    committee = recipe.train(X, T, rng=3, folder=tmp_path)
    assert len(list(tmp_path.glob("network-*"))) == 3
    other = cnet.Committee.train(
        recipe.network, X, T, n=3, rng=3, preprocessing=recipe.preprocessing, **recipe.fit_options())
    assert [net.params for net in committee.networks] == [net.params for net in other.networks]


def test_the_networks_of_a_committee_see_different_images():
    recipe = dataclasses.replace(
        recipes.COMMITTEE, **SMALL, networks=3, preprocessing=[None, Normalize(width=20)])
    assert "preprocessing    None, Normalize(" in str(recipe)
    committee = recipe.train(X, T, rng=3)
    assert committee.preprocessing == (None, Normalize(width=20), None)
    other = cnet.Committee.train(
        recipe.network, X, T, n=3, rng=3, preprocessing=recipe.preprocessing, **recipe.fit_options())
    assert [net.params for net in committee.networks] == [net.params for net in other.networks]
    assert recipe.train(X, T, rng=3, preprocessing=None).preprocessing == (None, None, None)


@pytest.mark.parametrize("way", [Normalize(), Normalize(deslant=False, width=20)])
def test_a_single_network_sees_preprocessed_images(way):
    recipe = dataclasses.replace(recipes.ACCURATE, **SMALL, preprocessing=[way])
    measured = []
    committee = recipe.train(X, T, rng=3, validation_data=(X[:20], T[:20]), callback=measured.append)
    other = recipe.network(rng=3)
    other.fit(way(X), T, **recipe.fit_options())
    assert committee.preprocessing == (way,) and [net.params for net in committee.networks] == [other.params]
    assert measured[-1].validation_loss == pytest.approx(other.loss(way(X[:20]), T[:20]))
    assert (committee.predict(X[:9]) == other.predict(way(X[:9]))).all()
    alike = dataclasses.replace(recipe, preprocessing=[None]).train(X, T, rng=3)
    assert isinstance(alike, cnet.TwoLayerNet)
    assert alike.params == dataclasses.replace(recipe, preprocessing=()).train(X, T, rng=3).params
    # The call's own takes the place of the recipe's.
    assert recipe.train(X, T, rng=3, preprocessing=None).params == alike.params
    chosen = dataclasses.replace(recipe, preprocessing=()).train(X, T, rng=3, preprocessing=[way])
    assert chosen.preprocessing == (way,) and [net.params for net in chosen.networks] == [other.params]


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"epoch": 3}, TypeError, "unexpected keyword argument 'epoch'"),
    ({"n_threads": 0.5}, TypeError, "n_threads must be"),
    ({"dropout": (0.1, 0.1)}, ValueError, "one share for each of 1 hidden"),
    ({"preprocessing": [Normalize(), None]}, ValueError, "preprocessing must hold one for each of 1 network"),
    ({"preprocessing": Normalize(image_shape=(2, 3))}, ValueError, "784 columns, which are not image_shape"),
])
def test_bad_options_are_refused_before_images_are_preprocessed(options, error, message, monkeypatch):
    def preprocess(self, x):
        raise AssertionError("images were preprocessed")

    monkeypatch.setattr(Normalize, "__call__", preprocess)
    with pytest.raises(error, match=message):
        dataclasses.replace(recipes.ACCURATE, **SMALL, preprocessing=[Normalize()]).train(X, T, **options)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_it_prints_what_it_does(recipe):
    head, *rows = str(recipe).splitlines()
    assert head == f"{recipe.name}: {recipe.about}"
    told = dict(row.split(maxsplit=1) for row in rows)
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name in ("name", "about") or value in (None, 0.0, ()) or (field.name == "networks" and value == 1):
            assert field.name not in told
        else:
            assert told[field.name] == (", ".join(map(str, value)) if isinstance(value, tuple) else str(value))


BAD = [
    ({"epochs": None}, ValueError, "give epochs or iterations"),
    ({"iterations": 5}, ValueError, "give epochs or iterations"),
    ({"epochs": 0}, ValueError, "epochs must be from 1"), ({"hidden": (0,)}, ValueError, "hidden_size"),
    ({"hidden": 5}, TypeError, "hidden must be"), ({"activation": "rel"}, ValueError, "activation must be one of"),
    ({"weight_init_std": "normal"}, ValueError, "weight_init_std must be"),
    ({"networks": 0}, ValueError, "networks must be from 1"), ({"networks": 1.5}, TypeError, "networks must be"),
    ({"networks": 2, "preprocessing": "none"}, TypeError, "preprocessing must be a tuple of cnet.preprocess.Normalize"),
    ({"networks": 2, "preprocessing": (1,)}, TypeError, "preprocessing must be a tuple of cnet.preprocess.Normalize"),
    ({"preprocessing": (Normalize(), None)}, ValueError, "with networks = 1 give one kind"),
    ({"optimizer": "adam"}, TypeError, "optimizer must be an object"),
    ({"schedule": "cosine"}, TypeError, "schedule must be None or an object"), ({"dropout": 1}, ValueError, "dropout"),
    ({"dropout": (0.1, 0.1)}, ValueError, "dropout must hold one share for each of 1 hidden"),
    ({"learning_rate": 0}, ValueError, "learning_rate must be"), ({"augment": Distort}, TypeError, "augment must be"),
    ({"batch_size": 0}, ValueError, "batch_size"), ({"sampling": "all"}, ValueError, "sampling must be one of"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=range(len(BAD)))
def test_settings_that_make_no_sense_are_refused_by_name(changes, error, message):
    with pytest.raises(error, match=message):
        Recipe(**{"name": "mine", "about": "mine", "hidden": (5,), "epochs": 3, **changes})


def test_recipes_are_values():
    assert hash(Recipe(name="mine", about="", hidden=[5], epochs=3, dropout=[0.5]))
    one = Recipe(name="mine", about="", hidden=[5], epochs=3, schedule=Cosine())
    assert one == Recipe(name="mine", about="", hidden=(5,), epochs=3, schedule=Cosine()) != recipes.FAST
    assert hash(one) == hash(dataclasses.replace(one))


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "error"), [
    (recipes.CHAPTER, 0.065), (recipes.FASTEST, 0.0225), (recipes.FASTER, 0.018), (recipes.FAST, 0.0115),
], ids=lambda value: getattr(value, "name", ""))
def test_how_well_the_short_ones_read(recipe, error, mnist_dir):
    (x, t), (x_test, t_test) = cnet.datasets.load_mnist(normalize=False, data_home=mnist_dir, download=False)
    assert 1 - recipe.train(x, t, rng=12).accuracy(x_test, t_test) < error
