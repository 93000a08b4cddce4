"""The order of the gallery: that of the chapter, and what goes beyond it."""

from __future__ import annotations

ORDER = (
    "losses.py", "derivatives.py", "gradients.py", "gradient_descent.py", "gradient_simplenet.py",
    "mini_batch_learning.py", "gradient_check.py", "optimizers.py", "initial_weights.py", "inside_a_network.py",
    "photograph.py", "mnist_record.py", "own_table.py", "table_with_gaps.py", "rare_class.py", "quantile_bands.py",
    "texts.py", "grid_search.py", "cython_kernels.py",
)


class ChapterOrder:
    """A sort key for sphinx-gallery."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, filename: str) -> int:
        """Return the place of an example; one that is not listed comes last."""
        return ORDER.index(filename) if filename in ORDER else len(ORDER)
