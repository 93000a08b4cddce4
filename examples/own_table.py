"""
The whole way with one table
============================

From the rows of a table to a model that another program can use, with NumPy and cnet alone: words become columns,
numbers are standardised, the rows are cut in three, training stops in time, the errors are looked at, and all that
the model needs is saved. Here the target is a number, the price of a used car.

What can go wrong on this way is on the page :doc:`/your-own-table`.
"""

# sphinx_gallery_thumbnail_number = 2
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cnet
import cnet.plots

# %%
# The table is drawn at random, so that we know what the price depends on. Nobody can know it better than to within
# the noise, a tenth of the price.

rng = np.random.default_rng(0)
n = 5000
age, power = rng.uniform(0, 15, n), rng.gamma(9, 12, n)
driven = age * rng.gamma(4, 3500, n)
fuel = rng.choice(["petrol", "diesel", "electric"], n, p=[0.55, 0.3, 0.15])
new = 9_000 + 190 * power + 8_000 * (fuel == "electric")
loss = np.where(fuel == "electric", 0.14, 0.1) * age + 2.5e-6 * driven
price = new * np.exp(-loss) * rng.lognormal(0, 0.1, n)

# %%
# A word becomes one column of zeros and ones for each of its values. Prices are all above 0, and an error of
# 1,000 matters more for a cheap car, so the network learns the logarithm of the price: its errors are then shares.
# Driven distances have a few huge values, which a square root brings nearer to the others.

fuels = np.unique(fuel)
x = np.column_stack([age, power, np.sqrt(driven), fuel[:, np.newaxis] == fuels])
t = np.log(price)

# %%
# The rows are cut in three after a shuffle. Mean and standard deviation are those of the training rows. The
# targets are standardised, too: the outputs of a new network are near 0.

train, validation, test = np.split(rng.permutation(n), [3000, 4000])
mean, std = x[train].mean(axis=0), x[train].std(axis=0)
t_mean, t_std = t[train].mean(), t[train].std()
z, u = (x - mean) / std, (t - t_mean) / t_std

net = cnet.MultiLayerNet(z.shape[1], [16], 1, "gelu", loss="squared_error", rng=0)
history = net.fit(
    z[train], u[train], epochs=1000, optimizer="adam", validation_data=(z[validation], u[validation]),
    early_stopping=20,
)
print(f"stopped after {len(history.loss) // 30} epochs")
ax = cnet.plots.loss_curve(history)
ax.set(yscale="log", ylabel="loss")

# %%
# The test rows come last, and once. The errors are worth a look by themselves: are they larger for some cars?
# Here they are about the same everywhere. The noise alone would make half of them larger than 6.7 %.

predicted = np.exp(net.predict(z[test])[:, 0] * t_std + t_mean)
error = predicted / price[test] - 1
print(f"half of the errors are below {np.median(np.abs(error)):.1%} of the price")
figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
axes[0].plot(price[test] / 1000, predicted / 1000, ".", markersize=3)
axes[0].axline((10, 10), slope=1, color="gray", linestyle=":")
axes[0].set(title="Predicted prices", xlabel="price in thousands", ylabel="prediction in thousands")
for name in fuels:
    rows = fuel[test] == name
    axes[1].plot(age[test][rows], 100 * error[rows], ".", markersize=3, label=name)
axes[1].axhline(0, color="gray", linestyle=":")
axes[1].set(title="Errors", xlabel="age in years", ylabel="error, %", ylim=(-45, 60))
axes[1].legend(frameon=False, markerscale=3, ncols=3, loc="upper center", columnspacing=0.8, handletextpad=0)

# %%
# Beside the network, keep what turns a row of the table into its inputs, and its output into a price.

with tempfile.TemporaryDirectory() as folder:
    net.save(Path(folder, "cars.safetensors"))
    about = {"fuels": fuels.tolist(), "mean": mean.tolist(), "std": std.tolist(), "target": [t_mean, t_std]}
    Path(folder, "cars.json").write_text(json.dumps(about), encoding="utf-8")

    # Another program, on another day:
    about = json.loads(Path(folder, "cars.json").read_text(encoding="utf-8"))
    loaded = cnet.load(Path(folder, "cars.safetensors"))

car = [5.0, 110.0, np.sqrt(60_000.0), *(float(name == "diesel") for name in about["fuels"])]
output = loaded.predict((np.array([car]) - about["mean"]) / about["std"])[0, 0]
print(f"a diesel of 110 kW, five years old, 60,000 km: {np.exp(output * about['target'][1] + about['target'][0]):,.0f}")
plt.show()
