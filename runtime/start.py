"""The first thing that `sidewall` runs: a server minds the signals before anything heavy is loaded.

A process that is the first of its container (PID 1) never sees a signal that it has no handler for: without this a
stop that comes while Python still imports would be lost, and the container killed much later.

What comes earlier still, in the first hundredths of a second, is Python's own: SIGTERM ends the process by the signal,
and so does SIGINT but for the case that an import's callback swallows its KeyboardInterrupt. So managers send SIGTERM.
"""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["serve"]:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _leave)
    from runtime.cli import main as run

    run()


def _leave(_: int, __: FrameType | None) -> None:
    """End at once and well: nothing listens yet, nothing is to be given back, and an import need not be finished."""
    os._exit(0)


if __name__ == "__main__":
    main()
