"""Waiting until an engine has nothing under way, by what it says of itself to Prometheus."""

import http.client
import re
import time
from typing import Final

_UNDER_WAY: Final = re.compile(r"^sidewall_(?:cases_running|cases_waiting)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_ASK_AGAIN_S: Final = 1.0
_PATIENCE_S: Final = 10.0


def wait_until_idle(address: str, patience_s: float) -> bool:
    """Return True once the engine at host:port has no case, or does not answer; False once patience has ended."""
    deadline_s = time.monotonic() + patience_s
    while cases_under_way(address):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_ASK_AGAIN_S)
    return True


def cases_under_way(address: str) -> int:
    """Return how many cases run or wait; 0 where nobody answers, since there is nobody to be disturbed."""
    connection = http.client.HTTPConnection(address, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
    return int(sum(float(value) for value in _UNDER_WAY.findall(page)))
