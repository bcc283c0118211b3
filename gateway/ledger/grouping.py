"""Changes of many callers in one commit: syncing the ledger is what an acknowledgement waits for longest."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from gateway.ledger.ledger import Ledger

ResultT = TypeVar("ResultT")


class GroupedChange(Generic[ResultT]):
    """One kind of change; while one group is being committed, those that come meanwhile make up the next.

    Safe to share between threads.
    """

    def __init__(self, ledger: Ledger, name: str) -> None:
        """`name` is that of the change in `Ledger.change`."""
        self._ledger, self._name = ledger, name
        self._waiting: list[_Piece[ResultT]] = []
        self._queue, self._turn = threading.Lock(), threading.Lock()

    @property
    def waiting(self) -> int:
        """Return how many wait for the next commit."""
        with self._queue:
            return len(self._waiting)

    def make(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Return what `work` made of the ledger, once that is durable.

        Where a group fails each piece is tried alone, so `work` may be called twice and must leave nothing outside the
        ledger. Raises what `work` raised, or the commit.
        """
        mine = _Piece(work)
        with self._queue:
            self._waiting.append(mine)
        with self._turn:
            if mine.is_open:
                with self._queue:
                    group, self._waiting = self._waiting, []
                self._write(group)
        return mine.result()

    def _write(self, group: "list[_Piece[ResultT]]") -> None:
        """Make the changes of a group, whose first or later member calls for all of it."""
        try:
            with self._ledger.change(self._name) as connection:
                results = [each.work(connection) for each in group]
        except Exception as error:  # noqa: BLE001 - it goes to whose piece it is
            if len(group) == 1:
                group[0].fail(error)
                return
            for each in group:
                self._write([each])
            return
        for each, result in zip(group, results, strict=True):
            each.end(result)


class _Piece(Generic[ResultT]):
    """What one caller wants changed, and what came of it."""

    def __init__(self, work: Callable[[Connection], ResultT]) -> None:
        self.work = work
        self._results: list[ResultT] = []
        self._error: Exception | None = None

    @property
    def is_open(self) -> bool:
        return not self._results and self._error is None

    def end(self, result: ResultT) -> None:
        self._results.append(result)

    def fail(self, error: Exception) -> None:
        self._error = error

    def result(self) -> ResultT:
        if self._error is not None:
            raise self._error
        return self._results[0]
