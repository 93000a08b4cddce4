"""The drawings of the chapter, as SVG within the page: a network, and the graph of its computation.

Plain functions without Sphinx; ``drawings.py`` has the directives. Lines and letters take their colours from the
page's style sheet (``cnet.css``), so that one drawing serves light pages, dark ones and paper. Sizes are chosen for
a phone: a drawing is 420 units wide, or there are two, of which the style sheet shows one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import dist

from cnet.plots.style import INK, ON_LIGHT, PAPER

WIDTH = 420
RADIUS = 23
# As many units of a layer are drawn; of a larger one the first ones and the last.
MOST_UNITS = 6

WORDS = {
    "en": {
        "inputs": "inputs", "hidden": "hidden units", "outputs": "outputs",
        "affine": "affine", "activation": "activation", "softmax": "softmax", "loss": "loss",
        "network": "A network of {sizes} units", "graph": "The network as a graph of computations",
        "all": "Every unit is connected to every unit of the next layer.", "lit": "Emphasised: {names}.",
        "column": "{name}: {count} {what}.", "column values": "{name}: {count} {what}, with the values {values}.",
        "weights": "{name}, from row to column: {values}.",
        "chain": "From left to right: {steps}.", "forward": "Forward: {values}.", "backward": "Backward: {values}.",
        "and": ", ", "then": ", then ", "of": "{what} with {names}",
    },
    "zh_CN": {
        "inputs": "输入", "hidden": "隐藏单元", "outputs": "输出",
        "affine": "仿射", "activation": "激活函数", "softmax": "softmax", "loss": "损失",
        "network": "一个 {sizes} 网络", "graph": "画成计算图的网络",
        "all": "每个单元都与下一层的每个单元相连。", "lit": "突出显示：{names}。",
        "column": "{name}：{count} 个{what}。", "column values": "{name}：{count} 个{what}，值为 {values}。",
        "weights": "{name}，从行到列：{values}。",
        "chain": "从左到右：{steps}。", "forward": "前向：{values}。", "backward": "反向：{values}。",
        "and": "、", "then": "，然后是", "of": "{what}（{names}）",
    },
}

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(value: float) -> str:
    """A number as drawings and pages show it: up to three digits after the point, a real minus sign."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text.replace("-", "−")


def pretty(name: str) -> str:
    """``W1`` as W₁."""
    return name.translate(SUBSCRIPTS)


def vector(values: Iterable[float]) -> str:
    """Numbers in a row, in brackets; a single one without."""
    texts = [number(value) for value in values]
    return f"({', '.join(texts)})" if len(texts) > 1 else texts[0]


@dataclass
class Canvas:
    """What is drawn so far. What is emphasised lies above the rest."""

    below: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)

    def add(self, element: str, lit: bool = False) -> None:
        """Put an element on its level."""
        (self.above if lit else self.below).append(element)

    def line(self, start: tuple[float, float], end: tuple[float, float], name: str, lit: bool = False) -> None:
        """A straight line of a class."""
        (x1, y1), (x2, y2) = start, end
        self.add(f'<line class="{name}{" lit" if lit else ""}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>', lit)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], lit: bool = False) -> None:
        """A line along an axis with a head at its end."""
        (x1, y1), (x2, y2) = start, end
        along = (6.0 if x2 > x1 else -6.0, 0.0) if y1 == y2 else (0.0, 6.0 if y2 > y1 else -6.0)
        across = (along[1] * 0.6, along[0] * 0.6)
        self.line(start, (x2 - along[0], y2 - along[1]), "arrow", lit)
        corners = [(x2, y2), (x2 - along[0] + across[0], y2 - along[1] + across[1]),
                   (x2 - along[0] - across[0], y2 - along[1] - across[1])]
        points = " ".join(f"{x:g},{y:g}" for x, y in corners)
        self.add(f'<polygon class="head{" lit" if lit else ""}" points="{points}"/>', lit)

    def box(self, corner: tuple[float, float], size: tuple[float, float], lit: bool = False) -> None:
        """A step of the computation."""
        place = f'x="{corner[0]:g}" y="{corner[1]:g}" width="{size[0]:g}" height="{size[1]:g}"'
        self.add(f'<rect class="box{" lit" if lit else ""}" {place} rx="8"/>')

    def text(self, x: float, y: float, text: str, name: str = "", lit: bool = False) -> None:
        """A line of letters; the class decides how they are set."""
        names = " ".join(filter(None, (name, "lit" if lit else "")))
        shown = f' class="{names}"' if names else ""
        self.add(f'<text{shown} x="{x:g}" y="{y:g}">{escape(text, quote=False)}</text>', True)

    def svg(self, size: tuple[float, float], name: str, key: str, title: str, description: str) -> str:
        """The whole drawing, with its title and description for those who do not see it."""
        return (
            f'<svg class="cnet-drawing {name}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:g} '
            f'{size[1]:g}" role="img" aria-labelledby="{key}-title {key}-desc">'
            f'<title id="{key}-title">{escape(title, quote=False)}</title>'
            f'<desc id="{key}-desc">{escape(description, quote=False)}</desc>'
            + "".join(self.below) + "".join(self.above) + "</svg>"
        )


def standalone(svg: str) -> str:
    """A drawing that is shown by itself, without the pages' style sheet: on white paper, in the pictures' colours."""
    muted, lit, back = INK["light"], ON_LIGHT[0], ON_LIGHT[5]
    style = (
        f"text{{font:14px sans-serif;fill:{INK['light']}}}.middle{{text-anchor:middle}}.end{{text-anchor:end}}"
        ".name{font-style:italic;font-size:16px}.shape,.value,.weight,.forward,.backward{font-size:13px}"
        f".weight{{paint-order:stroke;stroke:{PAPER['light']};stroke-width:5px}}text.value{{font-size:12px}}"
        f".forward,text.lit{{fill:{lit}}}.backward{{fill:{back}}}line{{stroke:{muted};stroke-width:1.3}}"
        f"line.edge{{stroke-opacity:.5}}line.lit{{stroke:{lit};stroke-opacity:1;stroke-width:2.6}}"
        f"polygon{{fill:{muted}}}polygon.lit{{fill:{lit}}}"
        f".unit,.box{{fill:{PAPER['light']};stroke:{muted};stroke-width:1.5}}"
        f".unit.lit,.box.lit{{stroke:{lit};stroke-width:3}}"
    )
    head, _, rest = svg.partition(">")
    width, height = re.findall(r"[\d.]+", head.partition('viewBox="')[2])[2:4]
    paper = f'<rect fill="{PAPER["light"]}" width="{width}" height="{height}"/>'
    return f'{head} width="{width}" height="{height}"><style>{style}</style>{paper}{rest}'


# ---- a network -------------------------------------------------------------------------------


def layer_names(count: int) -> list[str]:
    """The letters of the layers: x, z (or z1, z2, ...), y."""
    inner = count - 2
    return ["x", *(["z"] if inner == 1 else [f"z{i}" for i in range(1, inner + 1)]), "y"]


def network_names(sizes: Sequence[int]) -> set[str]:
    """All that can be emphasised in a network: layers, units, parameters, single weights."""
    names = set()
    for name, size in zip(layer_names(len(sizes)), sizes, strict=True):
        names |= {name, *(f"{name}[{i}]" for i in range(size))}
    for i, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        names |= {f"W{i}", f"b{i}", *(f"W{i}[{j},{k}]" for j in range(before) for k in range(after))}
    return names


def check_lit(lit: Iterable[str], names: set[str]) -> None:
    """Refuse a name that is not in the drawing."""
    unknown = sorted(set(lit) - names)
    if unknown:
        raise ValueError(f"not in the drawing: {', '.join(unknown)}")


def shown_units(size: int) -> list[int | None]:
    """The units of a layer that are drawn; None where some are left out."""
    return list(range(size)) if size <= MOST_UNITS else [0, 1, 2, None, size - 1]


def network(
    sizes: Sequence[int], *, key: str, lit: Sequence[str] = (), values: Mapping[str, Sequence[float]] | None = None,
    weights: Mapping[str, Sequence[Sequence[float]]] | None = None, biases: bool = True, language: str = "en",
) -> str:
    """A network: a column of units for each layer, every weight a line, and the parameters' shapes above them.

    ``values`` holds the numbers in the units by the layers' letters, ``weights`` those on the lines by the
    parameters' names. Without ``biases`` the network has none.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network has two layers or more, each of one unit or more: {sizes}")
    check_lit(lit, {name for name in network_names(sizes) if biases or not name.startswith("b")})
    words = WORDS.get(language, WORDS["en"])
    names, canvas = layer_names(len(sizes)), Canvas()
    columns = [shown_units(size) for size in sizes]
    step, top = (80 if weights else 64), 62
    tallest = max(map(len, columns))
    middle = top + RADIUS + step * (tallest - 1) / 2
    across = (WIDTH - 100) / (len(sizes) - 1)
    xs = [50 + across * i for i in range(len(sizes))]
    places: list[dict[int, float]] = []
    for column, units in enumerate(columns):
        ys = [middle + step * (i - (len(units) - 1) / 2) for i in range(len(units))]
        places.append({unit: y for unit, y in zip(units, ys, strict=True) if unit is not None})
        for unit, y in zip(units, ys, strict=True):
            if unit is None:
                canvas.text(xs[column], y + 5, "⋮", "middle")
    for i in range(1, len(sizes)):
        _weights(canvas, i, (xs[i - 1], xs[i]), (places[i - 1], places[i]), lit, weights)
        _shapes(canvas, i, (xs[i - 1], xs[i]), (sizes[i - 1], sizes[i]), lit, biases)
    bottom = middle + step * (tallest - 1) / 2 + RADIUS + 24
    for i, name in enumerate(names):
        what = words["inputs" if i == 0 else "outputs" if i == len(names) - 1 else "hidden"]
        numbers = values.get(name) if values else None
        for unit, y in places[i].items():
            on = name in lit or f"{name}[{unit}]" in lit or (i > 0 and f"b{i}" in lit)
            canvas.add(f'<circle class="unit{" lit" if on else ""}" cx="{xs[i]:g}" cy="{y:g}" r="{RADIUS}"/>', True)
            if numbers is not None:
                canvas.text(xs[i], y + 4.5, number(numbers[unit]), "middle value" + (" lit" if on else ""))
        canvas.text(xs[i], bottom, what, "middle", name in lit)
        canvas.text(xs[i], bottom + 18, f"{pretty(name)}  ({sizes[i]},)", "middle shape", name in lit)
    sentences = [_column(words, name, size, i, len(sizes), values) for i, (name, size) in
                 enumerate(zip(names, sizes, strict=True))]
    sentences.append(words["all"])
    for name, matrix in (weights or {}).items():
        rows = "; ".join(vector(row) for row in matrix)
        sentences.append(words["weights"].format(name=pretty(name), values=rows))
    if lit:
        sentences.append(words["lit"].format(names=words["and"].join(map(pretty, lit))))
    title = words["network"].format(sizes="-".join(map(str, sizes)))
    joined = ("" if language == "zh_CN" else " ").join(sentences)
    return canvas.svg((WIDTH, bottom + 30), "cnet-network", key, title, joined)


def _column(
    words: Mapping[str, str], name: str, size: int, place: int, count: int,
    values: Mapping[str, Sequence[float]] | None,
) -> str:
    """What a layer is, in words."""
    what = words["inputs" if place == 0 else "outputs" if place == count - 1 else "hidden"]
    if values and name in values:
        return words["column values"].format(name=pretty(name), count=size, what=what, values=vector(values[name]))
    return words["column"].format(name=pretty(name), count=size, what=what)


def _weights(
    canvas: Canvas, layer: int, xs: tuple[float, float], places: tuple[dict[int, float], dict[int, float]],
    lit: Sequence[str], weights: Mapping[str, Sequence[Sequence[float]]] | None,
) -> None:
    """A line for each weight, and its number on it."""
    name = f"W{layer}"
    taken: list[tuple[float, float]] = []
    for j, y1 in places[0].items():
        for k, y2 in places[1].items():
            on = name in lit or f"{name}[{j},{k}]" in lit
            start, end = (xs[0] + RADIUS, y1), (xs[1] - RADIUS, y2)
            canvas.line(start, end, "edge", on)
            if weights and name in weights:
                x, y = _free_place(start, end, taken)
                taken.append((x, y))
                canvas.text(x, y + 4, number(weights[name][j][k]), "middle weight", on)


def _free_place(
    start: tuple[float, float], end: tuple[float, float], taken: Sequence[tuple[float, float]],
) -> tuple[float, float]:
    """A point on a line, early on it but not at another number."""
    parts = (0.3, 0.22, 0.38, 0.46, 0.54, 0.62, 0.7, 0.78)
    points = [(start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])) for part in parts]
    return next((point for point in points if all(dist(point, other) > 17 for other in taken)), points[0])


def _shapes(
    canvas: Canvas, layer: int, xs: tuple[float, float], sizes: tuple[int, int], lit: Sequence[str], biases: bool,
) -> None:
    """An arrow from layer to layer, with the parameters of the step and their shapes."""
    center, weight, bias = sum(xs) / 2, f"W{layer}", f"b{layer}"
    shape = f"{pretty(weight)}  ({sizes[0]}, {sizes[1]})"
    canvas.text(center, 16 if biases else 34, shape, "middle shape", weight in lit)
    if biases:
        canvas.text(center, 34, f"{pretty(bias)}  ({sizes[1]},)", "middle shape", bias in lit)
    canvas.arrow((xs[0] + RADIUS, 44), (xs[1] - RADIUS, 44), weight in lit or bias in lit)


# ---- the graph of the computation ------------------------------------------------------------

# What happens, with which parameters; between them flow x, a, z, s, y and L.
STEPS = (("affine", ("W1", "b1")), ("activation", ()), ("affine", ("W2", "b2")), ("softmax", ()), ("loss", ("t",)))
FLOWS = ("x", "a", "z", "s", "y", "L")
GRAPH_NAMES = {*FLOWS, "W1", "b1", "W2", "b2", "t", "affine1", "activation", "affine2", "softmax", "loss"}
# As the names of the steps are in `lit`.
STEP_KEYS = ("affine1", "activation", "affine2", "softmax", "loss")


@dataclass(frozen=True)
class Numbers:
    """Numbers that flow through the graph: forward, and the derivatives of the loss that flow back."""

    forward: Mapping[str, Sequence[float]] = field(default_factory=dict)
    backward: Mapping[str, Sequence[float]] = field(default_factory=dict)


def graph(
    sizes: Sequence[int], *, key: str, lit: Sequence[str] = (), numbers: Numbers | None = None, language: str = "en",
    narrow: bool = True,
) -> str:
    """The computation from x to the loss as a graph: lying for wide windows, standing for narrow ones."""
    if len(sizes) != 3:
        raise ValueError(f"the graph has three layers, got {sizes}")
    check_lit(lit, GRAPH_NAMES)
    words, numbers = WORDS.get(language, WORDS["en"]), numbers or Numbers()
    inputs, hidden, outputs = sizes
    shapes = {"x": f"({inputs},)", "a": f"({hidden},)", "z": f"({hidden},)", "s": f"({outputs},)", "y": f"({outputs},)",
              "L": "", "W1": f"({inputs}, {hidden})", "b1": f"({hidden},)", "W2": f"({hidden}, {outputs})",
              "b2": f"({outputs},)", "t": f"({outputs},)"}
    steps = [words["of"].format(what=words[what], names=words["and"].join(map(pretty, names))) if names else words[what]
             for what, names in STEPS]
    sentences = [words["chain"].format(steps=words["then"].join(steps))]
    for which, flows, form in (("forward", numbers.forward, "{}"), ("backward", numbers.backward, "∂L/∂{}")):
        texts = [f"{form.format(name)} = {vector(flows[name])}" for name in FLOWS if name in flows]
        if texts:
            sentences.append(words[which].format(values=words["and"].join(texts)))
    if lit:
        sentences.append(words["lit"].format(names=words["and"].join(map(pretty, lit))))
    description = ("" if language == "zh_CN" else " ").join(sentences)
    title = words["graph"]
    wide = _lying(words, shapes, lit, numbers, f"{key}-wide", title, description)
    return wide + (_standing(words, shapes, lit, numbers, f"{key}-narrow", title, description) if narrow else "")


def _lying(
    words: Mapping[str, str], shapes: Mapping[str, str], lit: Sequence[str], numbers: Numbers, key: str, title: str,
    description: str,
) -> str:
    """From left to right: names above the arrows, numbers below them, parameters from below."""
    canvas, box, gap, y = Canvas(), 82, 72, 60
    rows = max([len(flow) for flow in (*numbers.forward.values(), *numbers.backward.values())], default=0)
    both = bool(numbers.forward) and bool(numbers.backward)
    for i, name in enumerate(FLOWS):
        left = i * (box + gap)
        on = name in lit
        canvas.arrow((left + 3, y), (left + gap - 3, y), on)
        canvas.text(left + gap / 2, y - 26, name, "middle name", on)
        canvas.text(left + gap / 2, y - 10, shapes[name], "middle shape", on)
        line = y + 20
        for flow, kind in ((numbers.forward, "forward"), (numbers.backward, "backward")):
            for value in flow.get(name, ()):
                canvas.text(left + gap / 2, line, number(value), f"middle {kind}")
                line += 16
            line = y + 20 + (16 * rows + 6 if both else 0)
    for i, (what, names) in enumerate(STEPS):
        left = i * (box + gap) + gap
        on = STEP_KEYS[i] in lit
        canvas.box((left, y - 22), (box, 44), on)
        canvas.text(left + box / 2, y + 5, words[what], "middle", on)
        if names:
            canvas.arrow((left + box / 2, y + 62), (left + box / 2, y + 25), any(name in lit for name in names))
        for j, name in enumerate(names):
            canvas.text(left + box / 2, y + 80 + 18 * j, f"{pretty(name)}  {shapes[name]}", "middle shape", name in lit)
    height = y + max(106, 20 + 16 * rows * (2 if both else 1) + 6)
    return canvas.svg((6 * gap + 5 * box, height), "cnet-graph cnet-wide", key, title, description)


def _standing(
    words: Mapping[str, str], shapes: Mapping[str, str], lit: Sequence[str], numbers: Numbers, key: str, title: str,
    description: str,
) -> str:
    """From top to bottom: what flows forward left of the arrows, what flows back right of them."""
    canvas, box, high, gap, center = Canvas(), 112, 40, 58, 210
    for i, name in enumerate(FLOWS):
        top = 4 + i * (high + gap)
        on = name in lit
        canvas.arrow((center, top + 2), (center, top + gap - 2), on)
        value = f" = {vector(numbers.forward[name])}" if name in numbers.forward else f"  {shapes[name]}"
        canvas.text(center - 12, top + gap / 2 + 5, name + value, "end forward" if "=" in value else "end shape", on)
        if name in numbers.backward:
            text = f"∂L/∂{name} = {vector(numbers.backward[name])}"
            canvas.text(center + 12, top + gap / 2 + 5, text, "backward")
    for i, (what, names) in enumerate(STEPS):
        top = 4 + i * (high + gap) + gap
        left = center - box / 2
        on = STEP_KEYS[i] in lit
        canvas.box((left, top), (box, high), on)
        canvas.text(center, top + high / 2 + 5, words[what], "middle", on)
        if names:
            canvas.arrow((left - 40, top + high / 2), (left - 3, top + high / 2), any(name in lit for name in names))
        for j, name in enumerate(names):
            y = top + high / 2 + 5 + (j - (len(names) - 1) / 2) * 18
            canvas.text(left - 46, y, f"{pretty(name)}  {shapes[name]}", "end shape", name in lit)
    return canvas.svg((WIDTH, 4 + 6 * gap + 5 * high + 4), "cnet-graph cnet-narrow", key, title, description)
