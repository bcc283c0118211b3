"""How a server is told to stop, and how its process ends whatever its threads are still in."""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, Generic, NoReturn, TypeVar

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_PATIENCE_S: Final = 1.0
"""For threads that are about to end; one inside a library's own code may need minutes, and is not waited for."""

_LAST_LINES_S: Final = 2.0
"""For the last lines of the log while the model is being loaded; they need milliseconds where somebody takes them."""

ResultT = TypeVar("ResultT")


class StopSignals:
    """SIGTERM and SIGINT from now on to the end of the process; to be made in the main thread.

    The handler sets a flag, no more. What wakes the waiting thread is a byte that Python writes for the signal, in
    whichever thread the system delivers it: a lock, an event or an exception in a handler could meet the very thread
    that holds what it needs.
    """

    def __init__(self) -> None:
        self.requested = False
        self._receiver, self._sender = socket.socketpair()
        for end in (self._receiver, self._sender):
            end.setblocking(False)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for name in SIGNALS:
            signal.signal(name, self._note)

    def _note(self, _: int, __: FrameType | None) -> None:
        self.requested = True

    def wake(self) -> None:
        """Let `wait` look again; callable from any thread."""
        try:
            self._sender.send(b"\0")
        except BlockingIOError:
            # So many bytes lie there already that it will look.
            return

    def wait(self, until: Callable[[], bool] = lambda: False) -> None:
        """Return once a stop is requested, or once `until` holds, which is looked at after every `wake`."""
        while not (self.requested or until()):
            select.select([self._receiver], [], [])
            self._receiver.recv(4096)


class Background(Generic[ResultT]):
    """A function in a thread of its own that the end of the process does not wait for."""

    def __init__(self, work: Callable[[], ResultT], name: str, ended: Callable[[], None] = lambda: None) -> None:
        """Begin; `ended` is called in that thread once `work` has returned or raised."""
        self._work, self._ended = work, ended
        self._result: ResultT
        self._error: BaseException | None = None
        self._over = threading.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether the function has returned or raised."""
        return self._over.is_set()

    def result(self) -> ResultT:
        """Wait for the function and return what it returned; raises what it raised."""
        self._over.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - handed on to whoever asks for the result
            self._error = error
        finally:
            self._over.set()
            self._ended()


def leave_if_held_up() -> None:
    """End the process with status 0 at once when a thread does not let it end.

    Such a thread computes inside a library, where nothing can interrupt it, for somebody who was told already that no
    result will come. Files that it writes get their names only when they are whole.
    """
    # Daemons as well: those of a pool are waited for at the end of Python.
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    deadline_s = time.monotonic() + _PATIENCE_S
    for thread in others:
        thread.join(max(deadline_s - time.monotonic(), 0.0))
    if any(thread.is_alive() for thread in others):
        leave_at_once()


def leave_at_once() -> NoReturn:
    """End the process with status 0 once its log is out, whatever its threads are in."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def leave_in_any_case(after_s: float = _LAST_LINES_S) -> None:
    """Have the process end with status 0 after that long even if this thread, the main one, hangs until then.

    Who reads the log may have stopped reading, and a write to a full pipe comes back no more; a signal interrupts it.
    """
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, after_s)
