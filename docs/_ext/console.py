"""A directive that shows what a command of ``cnet`` prints.

::

    .. console:: cnet train --help
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util.typing import ExtensionMetadata


class Console(Directive):
    """``.. console::``, see above."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Run the command, and return it with its output."""
        command = self.arguments[0]
        program, *arguments = shlex.split(command)
        if program != "cnet":
            raise self.error(f"console shows commands of cnet, got {command!r}")
        environment = {**os.environ, "COLUMNS": "78", "NO_COLOR": "1", "TERM": "dumb"}
        done = subprocess.run(
            [sys.executable, "-m", "cnet", *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )
        if done.returncode:
            raise self.error(f"{command}: exit code {done.returncode}: {done.stderr}")
        text = f"$ {command}\n{done.stdout.rstrip()}"
        # Not as "console": in the output, "# " would be taken for a prompt.
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Any) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("console", Console)
    return {"version": "1", "parallel_read_safe": True}
