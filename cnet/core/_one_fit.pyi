from collections.abc import Callable
from typing import TypeVar

from ._network import Network

Result = TypeVar("Result")

def alone(net: Network, function: Callable[[], Result]) -> Result: ...
