from collections.abc import Callable
from typing import TypeVar

from ._network import Network

_Result = TypeVar("_Result")

def alone(net: Network, function: Callable[[], _Result]) -> _Result: ...
def request_stop(net: Network) -> None: ...
