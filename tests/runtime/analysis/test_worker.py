"""The worker's queue: urgent cases first, nobody for ever, and a state that can be watched."""

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait

import pytest

from runtime.analysis.worker import Priority, Worker, WorkerState

PATIENCE_S = 60.0


class Held:
    """A worker that is held up by one case while others are sent."""

    def __init__(self) -> None:
        self.worker, self.done = Worker(), list[str]()
        self._go, begun = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            self._go.wait(PATIENCE_S)

        self.futures: list[Future[None]] = [self.worker.submit(hold)]
        begun.wait(PATIENCE_S)

    def send(self, name: str, priority: Priority) -> Future[None]:
        """Send a case that notes its name when it is done."""
        future = self.worker.submit(lambda: self.done.append(name), priority)
        self.futures.append(future)
        return future

    def order(self) -> list[str]:
        """Let the worker go on, and return what it did, in its order."""
        self._go.set()
        assert not wait(self.futures, PATIENCE_S).not_done
        return self.done


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.order()
    held.worker.close()


def test_urgent_cases_go_before_routine_ones_each_in_the_order_they_came(held: Held) -> None:
    held.send("r1", "routine")
    held.send("u1", "urgent")
    held.send("r2", "routine")
    held.send("u2", "urgent")
    assert held.order() == ["u1", "u2", "r1", "r2"]


def test_after_three_urgent_cases_in_a_row_one_routine_case_has_its_turn(held: Held) -> None:
    for number in range(1, 8):
        held.send(f"u{number}", "urgent")
    held.send("r1", "routine")
    held.send("r2", "routine")
    assert held.order() == ["u1", "u2", "u3", "r1", "u4", "u5", "u6", "r2", "u7"]


def test_a_case_that_is_cancelled_while_it_waits_gives_up_its_place_and_is_told_at_once(held: Held) -> None:
    left, stays = held.send("left", "urgent"), held.send("stays", "routine")
    assert held.worker.state == WorkerState(running=1, urgent_waiting=1, routine_waiting=1)
    assert left.cancel()
    assert wait([left], PATIENCE_S).done == {left}
    with pytest.raises(CancelledError):
        left.result()
    assert held.worker.state == WorkerState(running=1, routine_waiting=1)
    assert not stays.done()
    assert held.order() == ["stays"]


def test_a_watcher_sees_the_state_now_and_after_every_change(held: Held) -> None:
    seen: list[WorkerState] = []
    held.worker.watch(seen.append)
    held.send("u", "urgent")
    held.order()
    changes = [each for index, each in enumerate(seen) if not index or each != seen[index - 1]]
    assert changes == [
        WorkerState(running=1),
        WorkerState(running=1, urgent_waiting=1),
        WorkerState(urgent_waiting=1),
        WorkerState(running=1),
        WorkerState(),
    ]


def test_an_error_reaches_whoever_waits_for_the_result_and_the_worker_goes_on() -> None:
    worker = Worker()

    def fail() -> None:
        raise KeyError("of the case")

    failed, next_one = worker.submit(fail), worker.submit(lambda: "done")
    with pytest.raises(KeyError, match="of the case"):
        failed.result(PATIENCE_S)
    assert next_one.result(PATIENCE_S) == "done"
    worker.close()
