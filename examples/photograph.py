"""
A digit in a photograph
=======================

A network that learned from clean images of 28 by 28 pixels is shown a photograph of a digit on
paper. What is between the two is preparation: find the ink, cut it out, scale and centre it as
in the training data. ``cnet predict`` does the same on the command line.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

import cnet
from cnet.images import read_digit

# %%
# The photograph is made here, so that the example is complete: a pen stroke on textured paper,
# lit from one side, slightly out of focus and with a sensor's noise.

HEIGHT, WIDTH = 480, 640


def photograph_of_a_two(rng: np.random.Generator) -> Image.Image:
    """Make a picture of 640 by 480 pixels as a phone would take it of a two written with a pen."""
    sheet = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(sheet)
    angle = np.linspace(np.pi, 2.2 * np.pi, 40)
    arc = [(float(300 + 75 * np.cos(a)), float(175 + 70 * np.sin(a))) for a in angle]
    stroke = [*arc, (240.0, 345.0), (320.0, 335.0), (405.0, 348.0)]
    pen.line(stroke, fill=255, width=20, joint="curve")
    for px, py in stroke:
        pen.ellipse((px - 10, py - 10, px + 10, py + 10), fill=255)
    ink = np.asarray(sheet.rotate(-6).filter(ImageFilter.GaussianBlur(2.5)), dtype=np.float64) / 255

    grain = Image.fromarray(rng.normal(128, 60, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8))
    fibres = np.asarray(grain.filter(ImageFilter.GaussianBlur(3)), dtype=np.float64) - 128
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    light = 1.0 - 0.40 * across - 0.15 * down
    paper = np.array([236.0, 230.0, 214.0])
    colour = np.array([40.0, 52.0, 110.0])
    lit = (paper + (colour - paper) * ink[..., np.newaxis]) * light[..., np.newaxis]
    noisy = lit + fibres[..., np.newaxis] + rng.normal(0, 5, (HEIGHT, WIDTH, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "two.jpg")
photograph_of_a_two(np.random.default_rng(0)).save(path, quality=85)

# %%
# The network is trained as always:

x, t = cnet.datasets.make_digits(20_000, rng=0)
net = cnet.TwoLayerNet(784, 100, 10, "he", activation="relu", rng=0)
history = net.fit(x, t, epochs=20, learning_rate=0.1)

# %%
# Then ``read_digit`` prepares the photograph, and the network predicts:

row: NDArray[np.uint8] = read_digit(path)
probabilities = net.predict(row)
print(f"it is a {np.argmax(probabilities)}, with probability {probabilities.max():.3f}")

# %%
# This is the photograph, the network's input, and its prediction:

figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(10, 3.2), layout="constrained", width_ratios=(4, 3, 4)
)
left.imshow(Image.open(path))
left.set_title("photograph")
middle.imshow(row.reshape(28, 28), cmap="gray")
middle.set_title("28 by 28 pixels")
for ax in (left, middle):
    ax.set_axis_off()
right.bar(range(10), probabilities)
right.set(xticks=range(10), xlabel="digit", ylabel="probability", ylim=(0, 1))
folder.cleanup()
plt.show()
