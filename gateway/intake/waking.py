"""Associations whose threads wait for what comes; pynetdicom's look for it a thousand times a second.

Each association has two of them: one reads and writes PDUs, the other serves messages. Sixteen that were open and idle
took a quarter of a processor, which is the engine's.
"""

import os
import queue
import select
import ssl
import threading
from typing import Any, Final

_LOOK_S: Final = 0.05
"""For timers, and for threads that are told to end."""


class Waker:
    """Wakes a thread that waits for a connection; safe to call from any thread, also after it was closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wake(self) -> None:
        """Have `wait` return."""
        with self._lock:
            if self._event is not None:
                os.eventfd_write(self._event, 1)

    def wait(self, connection: Any) -> bool:
        """Return whether there is something to read, soon, or at once when woken; raises `OSError`."""
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        event = self._event
        if event is not None:
            poll.register(event, select.POLLIN)
        found = [place for place, _ in poll.poll(1e3 * _LOOK_S)]
        if event in found:
            self._rest()
        return any(place != event for place in found)

    def close(self) -> None:
        """Give the descriptor back."""
        with self._lock:
            if self._event is not None:
                os.close(self._event)
                self._event = None

    def _rest(self) -> None:
        with self._lock:
            if self._event is not None:
                os.eventfd_read(self._event)


def wait_for_what_comes(association: Any, waker: Waker) -> None:
    """Have the threads of an association that was made just now wait; `waker` is that of its connection."""
    upper, messages = association.dul, association.dimse
    send, run = upper.send_pdu, upper.run

    def ran() -> None:
        try:
            run()
        finally:
            waker.close()

    def sent(primitive: Any) -> None:
        send(primitive)
        waker.wake()

    def message(block: bool = False) -> Any:
        try:
            return messages.msg_queue.get(timeout=messages.dimse_timeout if block else _LOOK_S)
        except queue.Empty:
            return None, None

    upper.run, upper.send_pdu, messages.get_msg = ran, sent, message
    upper.to_user_queue = _Told(messages.msg_queue)


class _Told(queue.Queue[Any]):
    """What the peer wants of the association, such as its release; tells whoever waits for messages."""

    def __init__(self, messages: Any) -> None:
        super().__init__()
        self._messages = messages

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add it; "no message" is what pynetdicom itself says where a connection has ended."""
        super().put(item, block, timeout)
        self._messages.put((None, None))
