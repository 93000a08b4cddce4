"""How the documentation is built.

    pip install -e ".[docs]"
    python -m sphinx -W -n -b html docs docs/_build/html

Nothing is fetched: links into NumPy's, Python's and matplotlib's documentation come from the small
inventories in ``docs/inventories``, and the mathematics is typeset by a copy of MathJax that the
build puts beside the pages.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

# Pictures are drawn without a display, and a build never depends on what a shell has set.
os.environ["MPLBACKEND"] = "Agg"
os.environ.pop("CNET_DATA", None)

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

import cnet

project = "cnet"
author = "The cnet developers"
copyright = "2026, the cnet developers"  # noqa: A001
version = release = cnet.__version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "class_tables",
    "api_groups",
    "console",
    "palette",
    "drawings",
    "worked",
    "notebooks",
    "languages",
    "chinese_search",
    "code_lines",
    "formulas",
    "social",
    "picture",
    "animation",
    "live_page",
    "gallery_pictures",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]

root_doc = "index"
templates_path = ["_templates"]
exclude_patterns = ["_build", "inventories", "locale", "gallery/**/*.md5"]
nitpicky = True
# `name` is a link where it is the name of something.
default_role = "autolink"
# Fields of named tuples, which have no entries of their own.
nitpick_ignore = [("py:obj", "peak"), ("py:obj", "warmup")]
# Not in the list of names that links to NumPy are made from.
nitpick_ignore += [("py:obj", "numpy.random.RandomState")]
# Made by scikit-learn for its routing of metadata; listed, but not documented here.
nitpick_ignore_regex = [("py:obj", r"cnet\.estimators\.MLP\w+\.set_\w+_request")]
suppress_warnings = ["config.cache"]
locale_dirs = ["locale"]
gettext_compact = False
gettext_uuid = False
gettext_location = False  # a .po file is a page, in its order; line numbers would change with every edit

# ---- API reference ---------------------------------------------------------------------------

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"

numpydoc_show_class_members = False
numpydoc_xref_param_type = True
# Only what is named here becomes a link; a type's description holds plain words too.
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "array_like": ":term:`numpy:array_like`",
    "ndarray": "numpy.ndarray",
    "numpy.ndarray": "numpy.ndarray",
    "numpy.random.Generator": "numpy.random.Generator",
    "History": "cnet.History",
    "MultiLayerNet": "cnet.MultiLayerNet",
    "TwoLayerNet": "cnet.TwoLayerNet",
    "Parameters": "cnet.networks.Parameters",
    "EpochInfo": "cnet.training.EpochInfo",
    "pathlib.Path": "pathlib.Path",
    "os.PathLike": "os.PathLike",
    "matplotlib.axes.Axes": "matplotlib.axes.Axes",
    **{name: name for name in ("int", "float", "str", "bool", "dict", "tuple", "list", "None")},
}
# Every check of numpydoc, but for these: GL01 (our summaries stand on the first line), ES01 (an
# extended summary where one line says it all), SA01 (a See Also section everywhere), SS05 (it takes
# "Derivatives" for a verb), SS06 and RT03 and PR07 (a type with its shape can say it all), YD01.
numpydoc_validation_checks = {"all", "GL01", "ES01", "SA01", "SS05", "SS06", "RT03", "PR07", "YD01"}
# Numbers and dictionaries, whose docstring is a comment; members of estimators, most of them scikit-learn's, which the
# example of their class shows.
numpydoc_validation_exclude = {r"\.PURPOSE_", r"(reference|recipes)\.[A-Z]+$", r"estimators\.MLP\w+\.\w+$"}
numpydoc_validation_overrides = {
    # Records: their fields are documented once, as attributes.
    "PR01": [r"^The losses, accuracies and times that a fit recorded", r"^The state of a fit at the end of an epoch"],
    # Members that the example of their class shows.
    "EX01": [
        r"^The (numbers of inputs|type of parameters|number of iterations of training)",
        r"^The parameters by name", r"^What the last `fit` (has )?recorded", r"^Return the learning rate of each",
    ],
}

# ---- pages -----------------------------------------------------------------------------------

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

intersphinx_mapping = {
    "python": ("https://docs.python.org/3/", "inventories/python.inv"),
    "numpy": ("https://numpy.org/doc/stable/", "inventories/numpy.inv"),
    "matplotlib": ("https://matplotlib.org/stable/", "inventories/matplotlib.inv"),
}

doctest_global_setup = "import numpy as np\nimport cnet"
trim_doctest_flags = True

linkcheck_ignore = [r"http://yann\.lecun\.com/.*"]  # asks for a password since 2024
linkcheck_anchors = False

# ---- gallery ---------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "gallery_order.ChapterOrder",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "doc_module": ("cnet",),
    "backreferences_dir": None,
    "image_scrapers": ("gallery_pictures.scrape",),
    "reset_modules": ("matplotlib", "gallery_pictures.use_light_style"),
    # What an example shows is what it prints, not what its last expression returns.
    "capture_repr": (),
    "matplotlib_animations": False,
}

# ---- HTML ------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "cnet"
html_static_path = ["_static"]
html_css_files = ["cnet.css"]
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "cnet", "alt_text": "cnet: to the start page",
        "image_light": "_static/logo-light.svg", "image_dark": "_static/logo-dark.svg",
    },
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "navbar_end": ["other-language", "theme-switcher"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
# Pages without pages below them need no column for them.
html_sidebars: dict[str, list[str]] = {
    page: []
    for page in (
        "index", "architecture", "changelog", "command-line", "contributing", "differences", "exporting",
        "how-it-is-fast", "installing", "page", "performance", "reproducibility", "stability", "tried",
        "your-own-table",
    )
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


def skip_fields(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which the class documents as its parameters."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app: Any) -> dict[str, bool]:
    """Connect what is above, and tell that several processes may read this file at once."""
    app.connect("autodoc-skip-member", skip_fields)
    return {"parallel_read_safe": True}
