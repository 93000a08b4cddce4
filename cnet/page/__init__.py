"""A page that shows one network: a single HTML file that needs no server, no network access and no other file.

`MultiLayerNet.to_html` and ``cnet page`` write it. The page's own code is plain JavaScript, one idea a module (the
``.mjs`` files beside this one); `assembly` puts them into one script, `contents` gives them the network as data.
"""

from __future__ import annotations

from .writing import write_page

__all__ = ["write_page"]
