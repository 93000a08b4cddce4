"""Pages in a real browser, Chromium without a window, driven by Playwright: they say what ``predict`` says."""

import os
import re

import numpy as np
import pytest

import cnet
from cnet.images import as_mnist

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

HOSTILE = ["</script><script>window.hit=1</script>", "<img src=x onerror='window.hit=1'>", "&lt;b&gt;"]


@pytest.fixture
def visit(browser):
    """Open a page from its file; whatever its console complains of, and whatever it fetches, fails the test."""
    contexts, wrong = [], []

    def visited(path, hash="", **options):
        contexts.append(browser.new_context(offline=True, **{"locale": "en-GB", **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        page.goto(path.as_uri() + hash)
        page.wait_for_function("globalThis.cnetPage !== undefined")
        settle(page)
        return page

    yield visited
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A page of 784-50-10, the network, and test data."""
    x, t = cnet.datasets.make_digits(10_000, rng=1)
    net = cnet.TwoLayerNet(784, 50, 10, "he", activation="relu", rng=0)
    net.fit(x, t, epochs=10, learning_rate=0.3)
    test = cnet.datasets.make_digits(2_000, rng=2)
    path = tmp_path_factory.mktemp("page") / "digits.html"
    net.to_html(path, train_data=(x, t), test_data=test, title="Digits")
    return path, net, test


SEVEN = [(0.25, 0.2), (0.5, 0.19), (0.72, 0.22), (0.6, 0.5), (0.45, 0.85)]


def draw(page, points, selector=".pad"):
    """A stroke with the mouse, which makes pointer events."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for each in at[1:]:
        page.mouse.move(*each, steps=8)
    page.mouse.up()
    settle(page)


def settle(page):
    """Wait for what the page draws once a frame: all but the bars."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pixels_of(page):
    return np.array(page.evaluate("Array.from(cnetPage.store.state.input.image)"), np.uint8)


def shown_percents(page):
    return [float(re.sub(r"[^\d.]", "", text)) for text in page.locator(".try .bars .value").all_inner_texts()]


def test_it_agrees_with_predict_on_200_digits(visit, digits):
    path, net, (x, _) = digits
    found = visit(path).evaluate(
        "images => images.map((image) => cnetPage.predict(image.map((pixel) => pixel / 255)))", x[:200].tolist())
    np.testing.assert_allclose(found, net.predict(x[:200]), rtol=0, atol=1e-5)


def test_a_drawing_is_read_at_every_stroke(visit, digits):
    path, net, _ = digits
    page = visit(path)
    draw(page, SEVEN)
    image = pixels_of(page)
    assert page.locator(".try .answer strong").inner_text() == str(net.predict(image).argmax()) == "7"
    np.testing.assert_allclose(shown_percents(page), 100 * net.predict(image), atol=0.5)
    # The image is what read_digit makes of the sheet.
    sheet = np.array(page.evaluate("Array.from(cnetPage.inputs.drawing.sheet)")).reshape(280, 280)
    assert np.abs(as_mnist(np.uint8(255 - np.rint(255 * sheet))).astype(int) - image).max() <= 2
    # From a pointer's event to the bars.
    took = page.evaluate(
        """() => { const all = []; for (let n = 0; n < 50; n++) {
             const begun = performance.now(); cnetPage.inputs.drawing.extend([[0.45, 0.85 - n / 500]]);
             all.push(performance.now() - begun); }
           return all.sort((one, other) => one - other)[25]; }""")
    assert took < 5
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate("cnetPage.store.state.pass") is None


def test_a_drawing_travels_in_the_address(visit, digits):
    path, _, _ = digits
    page = visit(path)
    draw(page, SEVEN)
    address = page.evaluate("location.hash")
    assert re.fullmatch(r"#d=[\w-]+", address)
    again = visit(path, address)
    assert again.locator(".try .answer strong").inner_text() == "7"
    assert np.abs(pixels_of(again).astype(int) - pixels_of(page)).mean() < 4
    assert visit(path, "#d=%3Cimg%20src=x%3E&lang=constructor&theme=x").locator("h1").inner_text() == "Digits"


def test_drawing_with_the_keyboard(visit, digits):
    page = visit(digits[0])
    page.locator(".pad").focus()
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.locator(".try .answer strong").inner_text() == "1"
    page.wait_for_function("document.querySelector('[aria-live=polite].unseen').textContent.includes('answers 1')")
    page.keyboard.press("Delete")
    assert page.evaluate("cnetPage.inputs.drawing.strokes.length") == 0


def test_a_finger_draws(visit, digits):
    page = visit(digits[0], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".pad").tap()
    assert page.evaluate("cnetPage.inputs.drawing.strokes.length") == 1


def test_a_unit_shows_its_sum(visit, digits):
    path, net, (x, _) = digits
    page = visit(path)
    page.evaluate("image => cnetPage.inputs.sample({image, x: image.map((pixel) => pixel / 255)})", x[0].tolist())
    page.locator(".tile").nth(6).click()
    settle(page)
    W, b = net.params["W1"][:, 6].astype(float), float(net.params["b1"][6])
    terms = x[0] / 255 * W
    text = page.locator(".neuron .formula p").first.inner_text().replace("−", "-")
    numbers = [float(number) for number in re.findall(r"[+-]?\d+\.\d+", text)]
    expected = [terms[terms > 0].sum(), terms[terms < 0].sum(), b, terms.sum() + b]
    np.testing.assert_allclose(numbers, expected, atol=0.0051)
    # Those that spoke for an output lead to their units.
    page.locator(".output").nth(3).click()
    settle(page)
    assert page.locator(".neuron h3").inner_text() == "Output 3"
    speaker = page.locator(".pushes .link").first
    name = speaker.locator(".name").inner_text()
    speaker.click()
    settle(page)
    assert page.locator(".neuron h3").inner_text() == name


def test_why_not(visit, digits):
    path, net, _ = digits
    page = visit(path)
    draw(page, SEVEN)
    page.locator(".choice", has_text="2").click()
    settle(page)
    assert page.locator(".question").inner_text() == "It reads 7. Why not 2?"
    page.get_by_role("button", name="Change as little as possible").click()
    assert "Now it reads 2" in page.locator("#why-not .outcome").inner_text()


def test_the_gallery_shows_what_is_misread(visit, digits):
    path, net, (x, t) = digits
    y = net.predict(x)
    wrong = np.flatnonzero(y.argmax(axis=1) != t)
    first = wrong[np.argsort(-y[wrong].max(axis=1), kind="stable")][0]
    page = visit(path)
    assert f"{len(wrong)} wrong" in page.locator("#gallery .lead").inner_text()
    page.locator(".specimen").first.click()
    settle(page)
    assert (pixels_of(page) == x[first]).all()
    assert page.locator(".try .wrong").inner_text() == f"wrong: it is labelled {t[first]}"


def test_training_on_the_page(visit, digits):
    path, net, _ = digits
    page = visit(path)
    page.get_by_role("button", name="Start from random weights").click()
    before = page.evaluate("Array.from(cnetPage.store.state.network.weights[0])")
    page.get_by_role("button", name="One step").click()
    after = page.evaluate("Array.from(cnetPage.store.state.network.weights[0])")
    assert before != after
    for _ in range(15):
        page.get_by_role("button", name="One epoch").click()
    losses = page.evaluate("cnetPage.store.state.training.losses")
    # 250 samples in batches of 32 are eight steps.
    assert len(losses) == 121
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    page.get_by_role("button", name="Check a weight").click()
    numbers = [text.replace("−", "-") for text in page.locator(".check b").all_inner_texts()]
    assert float(numbers[0]) == pytest.approx(float(numbers[1]), rel=1e-3, abs=1e-6)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("cnetPage.store.state.trained > 150")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Back to the trained network").click()
    x = cnet.datasets.make_digits(1, rng=5)[0]
    again = page.evaluate("x => cnetPage.predict(x)", (x[0] / 255).tolist())
    np.testing.assert_allclose(again, net.predict(x)[0], atol=1e-5)


def test_both_languages_and_themes(visit, digits):
    page = visit(digits[0], locale="zh-CN", color_scheme="dark")
    assert page.locator("#try h2").inner_text() == "试一试"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Light").click()
    assert page.locator("#try h2").inner_text() == "Try it"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    assert page.evaluate("location.hash") == "#lang=en&theme=light"


def test_everything_has_a_name_for_screen_readers(visit, digits):
    page = visit(digits[0])
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, [role=application], [role=img], svg[role]")]
             .filter((each) => !each.getAttribute("aria-label") && !each.textContent.trim())
             .map((each) => each.outerHTML.slice(0, 80))""")
    assert nameless == []
    # The sheet's canvas is part of the pad, which has a name.
    assert page.locator("canvas:not([aria-hidden]):not([aria-label]):not(.pad canvas)").count() == 0


def test_two_inputs_have_a_plane(visit, tmp_path):
    rng = np.random.default_rng(0)
    t = rng.integers(0, 2, 200)
    angle = rng.uniform(0.5, 3, 200) * np.pi
    x = (angle * np.array([np.cos(angle + np.pi * t), np.sin(angle + np.pi * t)])).T / 6
    net = cnet.MultiLayerNet(2, [8, 6], 2, "tanh", rng=0)
    net.fit(x, t, epochs=50, learning_rate=0.1)
    net.to_html(tmp_path / "spirals.html", train_data=(x, t), input_names=["east", "north"], class_names=["a", "b"])
    page = visit(tmp_path / "spirals.html")
    draw(page, [(0.3, 0.3), (0.7, 0.4)], ".plane")
    point = page.evaluate("Array.from(cnetPage.store.state.input.x)")
    np.testing.assert_allclose(shown_percents(page), 100 * net.predict(point), atol=0.5)
    assert page.locator(".tile").count() == 14
    page.locator(".tile").nth(10).click()
    settle(page)
    assert page.locator(".neuron h3").inner_text() == "Layer 2, unit 3"
    assert page.evaluate("location.hash").startswith("#x=")


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile", "binary_cross_entropy"])
def test_other_losses(visit, tmp_path, loss):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    t = (x[:, :1] > 0).astype(float)
    net = cnet.MultiLayerNet(4, [] if loss == "poisson" else [5], 1, loss=loss, rng=0)
    net.fit(x, t, epochs=3)
    names = ["no", "yes"] if loss == "binary_cross_entropy" else ["sales"]
    net.to_html(tmp_path / "page.html", train_data=(x, t), class_names=names)
    page = visit(tmp_path / "page.html")
    page.locator(".input input[type=number]").first.fill("0.75")
    point = page.evaluate("Array.from(cnetPage.store.state.input.x)")
    assert point[0] == 0.75
    expected = float(net.predict(point)[0])
    shown = page.locator(".try .bars .value").all_inner_texts()
    values = [float(re.sub(r"[^\d.+-]", "", text.replace("−", "-"))) for text in shown]
    if loss == "binary_cross_entropy":
        np.testing.assert_allclose(values, [100 - 100 * expected, 100 * expected], atol=0.5)
    else:
        np.testing.assert_allclose(values, [expected], atol=0.001)
    page.get_by_role("button", name="One epoch").click()
    page.get_by_role("button", name="Check a weight").click()
    page.locator(".output").first.click()
    settle(page)
    assert page.locator(".neuron .formula").count() == 1


def test_hostile_names_are_text(visit, tmp_path):
    net = cnet.MultiLayerNet(3, [2], 3, rng=0)
    net.to_html(tmp_path / "page.html", class_names=HOSTILE, input_names=HOSTILE, title=HOSTILE[0])
    page = visit(tmp_path / "page.html")
    assert page.locator("h1").inner_text() == HOSTILE[0]
    assert page.locator(".try .bars .name").all_inner_texts() == HOSTILE
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0


def test_without_samples_an_image_page_begins_empty(visit, tmp_path):
    net = cnet.MultiLayerNet(784, [6], 4, rng=0)
    net.to_html(tmp_path / "page.html")
    page = visit(tmp_path / "page.html")
    assert os.path.getsize(tmp_path / "page.html") < 150_000
    assert page.locator("#train, #gallery").count() == 0
    draw(page, SEVEN)
    np.testing.assert_allclose(shown_percents(page), 100 * net.predict(pixels_of(page)), atol=0.5)


@pytest.mark.parametrize("clipboard", ["undefined", "{ writeText: () => Promise.reject(new Error('not allowed')) }"])
def test_without_a_clipboard_the_link_is_shown(visit, tmp_path, clipboard):
    path = tmp_path / "small.html"
    cnet.MultiLayerNet(2, [3], 2, rng=0).to_html(path)
    page, shown = visit(path), []
    page.evaluate(f"Object.defineProperty(navigator, 'clipboard', {{ value: {clipboard} }})")
    page.on("dialog", lambda dialog: (shown.append(dialog.default_value), dialog.dismiss()))
    button = page.get_by_role("button", name="Copy link")
    button.click()
    settle(page)
    assert shown == [page.url] and button.count() == 1
