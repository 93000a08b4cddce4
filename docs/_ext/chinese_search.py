"""The index of the Chinese pages' search.

Sphinx's own needs a package to find words in Chinese text, and names a stemmer in the browser that is not there. Here
each run of Chinese characters is indexed as a whole, in which the browser finds three characters or more, and by pairs.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.search.en import SearchEnglish
from sphinx.util.typing import ExtensionMetadata

WORDS = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")
CHINESE = re.compile(r"[\u3400-\u9fff]+")


class SearchRuns(SearchEnglish):
    """English words, and Chinese characters in runs and in pairs."""

    lang = "zh_CN"

    def split(self, input: str) -> list[str]:
        """The words of a text."""
        found = []
        for word in WORDS.findall(input):
            found.append(word)
            if CHINESE.fullmatch(word):
                found += [word[i:i + 2] for i in range(len(word) - 1)]
        return found


def setup(app: Any) -> ExtensionMetadata:
    """Register it."""
    app.add_search_language(SearchRuns)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
