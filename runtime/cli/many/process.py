"""One process that analyses cases, from outside: begun, given cases, ended."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runtime.analysis.many.listing import ListedCase
from runtime.analysis.many.table import CaseRow, row_of_findings

_MODULE: Final = "runtime.cli.many.worker"
_PATIENCE_S: Final = 10.0
"""For a process that was told to stop: it ends at the next line of Python, after a tile at most."""


@dataclass(frozen=True)
class RunOrder:
    """The settings of all cases, as the command line got them."""

    given: Mapping[str, Any]
    named: Sequence[str]
    config: str | None


@dataclass(frozen=True)
class CaseOrder:
    """One case for a process."""

    case: ListedCase
    out: Path
    run: Mapping[str, str]
    """The marks that are kept beside the result."""


class ModelNotLoaded(Exception):
    """A process cannot load its model: code, text and exit status of the error."""

    def __init__(self, code: str, message: str, status: int) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(code)


class CaseProcess:
    """A worker process with its loaded model."""

    def __init__(self, run: RunOrder) -> None:
        """Begin it; its model is loaded by `load`."""
        # A group of its own: Ctrl-C reaches the parent alone, which ends it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            process_group=0,
        )
        self._run = run

    def load(self) -> None:
        """Wait for the model; raises `ModelNotLoaded`."""
        order = {"given": self._run.given, "named": list(self._run.named), "config": self._run.config}
        self._send(order)
        answer = self._receive()
        if answer is None:
            raise ModelNotLoaded("internal_error", f"the process of a worker ended with {self._ending()}", 1)
        if "ready" not in answer:
            raise ModelNotLoaded(answer["code"], answer["message"], answer["status"])

    def analyze(self, order: CaseOrder, part_done: Callable[[float], None]) -> tuple[CaseRow, bool]:
        """Return the line of a case, and whether the process still lives."""
        case = order.case
        self._send(
            {
                "input": str(case.input),
                "out": str(order.out),
                "case_id": case.case_id,
                "time_point": case.time_point,
                "series_uid": case.series_uid,
                "prior": str(case.prior) if case.prior else None,
                "prior_images": str(case.prior_images) if case.prior_images else None,
                "run": dict(order.run),
            }
        )
        while (answer := self._receive()) is not None:
            if "progress" in answer:
                part_done(answer["progress"])
                continue
            spent = {name: answer[name] for name in ("wall_s", "processor_s")}
            if "findings" in answer:
                return row_of_findings(case, answer["findings"], **spent), True
            return CaseRow(
                case.name, str(case.input), "failed", code=answer["code"], message=answer["message"], **spent
            ), True
        ended = f"the process that analysed it ended with {self._ending()}"
        return CaseRow(case.name, str(case.input), "failed", code="worker_died", message=ended), False

    def stop(self) -> None:
        """Tell the process to leave the case at hand, of which nothing is kept."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def close(self) -> None:
        """End the process; it has nothing more to do, or was stopped."""
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _send(self, message: Mapping[str, Any]) -> None:
        # One that has died is seen by its answer, which does not come.
        with suppress(OSError):
            self._stdin.write(json.dumps(message, default=str) + "\n")
            self._stdin.flush()

    def _receive(self) -> dict[str, Any] | None:
        stream = self._process.stdout
        line = stream.readline() if stream is not None else ""
        answer: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return answer

    def _ending(self) -> str:
        status = self._process.wait()
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
