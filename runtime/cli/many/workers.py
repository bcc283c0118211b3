"""The processes that analyse the cases of a run: as many at once as asked for, each begun anew where one dies."""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from runtime.analysis.many.table import CaseRow
from runtime.cli.many.process import CaseOrder, CaseProcess, ModelNotLoaded, RunOrder


@dataclass(frozen=True)
class PartDone:
    """How far a case is, 0 to 1."""

    name: str
    part: float


@dataclass(frozen=True)
class _Over:
    """A thread has no more cases, or failed."""

    error: BaseException | None = None


Event = CaseRow | PartDone


class Workers:
    """Up to `jobs` processes; each has a thread here, which hands it its cases."""

    def __init__(self, run: RunOrder, jobs: int) -> None:
        self._run, self._jobs = run, jobs
        self._events: SimpleQueue[Event | _Over] = SimpleQueue()
        self._processes: set[CaseProcess] = set()
        self._lock = threading.Lock()
        self._stopped = False
        self._first_ready = threading.Event()

    def analyze(self, orders: Sequence[CaseOrder]) -> Generator[Event, None, None]:
        """Yield what happens until every case has ended; no process is left once the iterator is closed.

        Raises `ModelNotLoaded`.
        """
        waiting = deque(orders)
        threads = [
            threading.Thread(target=self._work, args=(waiting, number), daemon=True)
            for number in range(min(self._jobs, len(orders)))
        ]
        for thread in threads:
            thread.start()
        try:
            left = len(threads)
            while left:
                event = self._events.get()
                if not isinstance(event, _Over):
                    yield event
                    continue
                left -= 1
                if event.error is not None:
                    raise event.error
        finally:
            self._stop()
            for thread in threads:
                thread.join()

    def _work(self, waiting: deque[CaseOrder], number: int) -> None:
        error: BaseException | None = None
        try:
            if number:
                # The first one compiles the folds where nobody has; the others then find them.
                self._first_ready.wait()
            while waiting and not self._stopped:
                self._with_one_process(waiting)
        except BaseException as raised:  # noqa: BLE001 - handed on to whoever waits for the events
            error = raised
        self._events.put(_Over(error))

    def _with_one_process(self, waiting: deque[CaseOrder]) -> None:
        """Hand cases to one process until there are none or it has died; raises `ModelNotLoaded`."""
        process = self._begun()
        if process is None:
            return
        try:
            process.load()
            self._first_ready.set()
            lives = True
            while lives and not self._stopped:
                try:
                    order = waiting.popleft()
                except IndexError:
                    return
                row, lives = process.analyze(order, partial(self._part_done, order.case.name))
                if not self._stopped:
                    self._events.put(row)
        except ModelNotLoaded:
            # One that was stopped while it loaded has nothing to say.
            if not self._stopped:
                raise
        finally:
            with self._lock:
                self._processes.discard(process)
            process.close()

    def _begun(self) -> CaseProcess | None:
        with self._lock:
            if self._stopped:
                return None
            process = CaseProcess(self._run)
            self._processes.add(process)
            return process

    def _part_done(self, name: str, part: float) -> None:
        self._events.put(PartDone(name, part))

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        self._first_ready.set()
        for process in processes:
            process.stop()
