"""A run over many cases: what is done is skipped, the rest analysed, every end told and put into the table."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid, SidewallError
from base.processors import processors
from core.counting import counted
from core.findings_json import from_json, to_mapping
from core.progress import Tell
from runtime.analysis.about import check_time_point
from runtime.analysis.case import AnalysisSettings
from runtime.analysis.case_folder import INPUTS_FILE, CaseInputs, require_writable
from runtime.analysis.loading import ModelOnDemand
from runtime.analysis.many.listing import ListedCase, list_cases
from runtime.analysis.many.marks import differing_marks, marks_of_case, marks_of_run
from runtime.analysis.many.table import CaseRow, remove_halves, row_of_findings, table_mapping, write_table
from runtime.analysis.settings import LocalSettings
from runtime.cli.console import ShowProgress
from runtime.cli.many.process import CaseOrder, RunOrder
from runtime.cli.many.workers import PartDone, Workers
from runtime.errors import CasesFailed

_MOST_JOBS = 64


@dataclass(frozen=True)
class Run:
    """One run over many cases."""

    source: Path
    """A folder of cases, or a list."""

    out: Path
    jobs: int
    settings: LocalSettings
    """With a bundle that lies in a folder."""

    order: RunOrder
    """The same settings for the workers, as the command line got them."""

    time_point: str = "unknown"


def checked_jobs(text: str) -> int:
    """Return a number of processes; raises `SettingInvalid` on what is none, or too many."""
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_JOBS:
        return int(text)
    raise SettingInvalid("jobs", text, f"1 to {_MOST_JOBS} processes")


def threads_of_each(setting: int, jobs: int) -> int:
    """Return the threads of one process: the processors that may be used, shared out, and no less than one."""
    return max(1, processors().threads(setting) // jobs)


def analyze_many(run: Run, tell: Tell, show: ShowProgress) -> dict[str, Any]:
    """Analyse the cases that are not done, each into its folder below `out`, and return the table in JSON form.

    `cases.csv` and `cases.json` are written anew after every case. A case that fails stops no other. Raises
    `SettingInvalid`, `BundleRejected`, `BackendUnavailable`, `SystemFailed` before anything is analysed, and
    `ModelNotLoaded`; Ctrl-C leaves whole folders, and the table of those.
    """
    cases = list_cases(run.source, run.out, run.time_point, tell)
    for case in cases:
        check_time_point(case.time_point)
    model = ModelOnDemand(run.settings, tell).describe()
    marks = marks_of_run(AnalysisSettings.of(run.settings), model)
    require_writable(run.out)
    run.out.mkdir(parents=True, exist_ok=True)
    remove_halves(run.out)
    rows, orders = {}, []
    for case in cases:
        rows[case.name], order = _begin(case, run.out / case.name, marks)
        orders += [order] if order else []
        _tell_kept(rows[case.name], tell)
    tell(f"{counted(len(cases), 'case')}: {len(orders)} to analyse, {len(cases) - len(orders)} not")
    clock = _Clock(len(orders), show)
    write_table(run.out, rows.values(), marks)
    with closing(Workers(run.order, run.jobs).analyze(orders)) as events:
        for event in events:
            if isinstance(event, PartDone):
                clock.part_done(event.name, event.part)
                continue
            rows[event.name] = event
            write_table(run.out, rows.values(), marks)
            clock.ended(event.name)
            tell(f"{_said(event)}; {clock.said}")
    return table_mapping(rows.values(), marks)


def require_all(table: Mapping[str, Any]) -> None:
    """Raise `CasesFailed` when there is a case without a whole result of this run's settings; refused ones have one."""
    lacking = {state: count for state, count in table["counts"].items() if state not in ("done", "refused")}
    if lacking:
        raise CasesFailed(lacking)


def _begin(case: ListedCase, folder: Path, run: Mapping[str, str]) -> tuple[CaseRow, CaseOrder | None]:
    """Return the line of a case as it is found, and the order to analyse it, if it is to be."""
    row = CaseRow(case.name, str(case.input))
    if case.unfit:
        return replace(row, state="failed", code="shared_study", message=case.unfit), None
    try:
        marks = marks_of_case(run, case)
    except OSError as error:
        return replace(row, state="failed", code="file_absent", message=f"cannot be read ({error.strerror})"), None
    order = CaseOrder(case, folder, marks)
    try:
        findings = to_mapping(from_json((folder / "findings.json").read_bytes()))
        kept = CaseInputs.read(folder / INPUTS_FILE)
    except FileNotFoundError:
        return row, order
    except (OSError, ValueError, SidewallError):
        return _kept_back(row, "a result that cannot be read"), None
    differing = differing_marks(kept.run if kept else {}, marks)
    if differing:
        return _kept_back(row, f"a result by another {', '.join(differing)}"), None
    done = row_of_findings(case, findings, skipped=True)
    # A fault of the program may be mended by now.
    return (row, order) if done.state == "incomplete" else (done, None)


def _kept_back(row: CaseRow, what: str) -> CaseRow:
    return replace(
        row, state="otherwise", code="made_otherwise", message=f"{what} lies there; take it away, or name another --out"
    )


def _tell_kept(row: CaseRow, tell: Tell) -> None:
    if row.state in ("otherwise", "failed"):
        tell(_said(row))


def _said(row: CaseRow) -> str:
    if row.message is not None:
        return f"{row.name}: {row.state} ({row.code}): {row.message}"
    if row.state == "refused":
        return f"{row.name}: refused ({row.code})"
    return f"{row.name}: {row.status}, {counted(row.nodes or 0, 'node')}, {row.wall_s:g} s"


class _Clock:
    """How many cases are done, and an estimate for the rest, on the bar."""

    def __init__(self, total: int, show: ShowProgress) -> None:
        self._total, self._show = total, show
        self._done = 0
        self._parts: dict[str, float] = {}
        self._started_s = time.monotonic()

    @property
    def said(self) -> str:
        """In words."""
        left = self._left_s()
        return f"{self._done} of {self._total}" + (f", about {left:.0f} s left" if left else "")

    def part_done(self, name: str, part: float) -> None:
        """Take how far a case is."""
        self._parts[name] = part
        self._move()

    def ended(self, name: str) -> None:
        """Take a case that has ended."""
        self._parts.pop(name, None)
        self._done += 1
        self._move()

    def _move(self) -> None:
        done = 100 * self._done + round(100 * sum(self._parts.values()))
        self._show(f"{self._done}/{self._total}", done, 100 * self._total, self._left_s())

    def _left_s(self) -> float | None:
        """Return an estimate from what is done; None before the first case has ended, which also loaded the model."""
        if not self._done:
            return None
        done = self._done + sum(self._parts.values())
        return (time.monotonic() - self._started_s) * (self._total - done) / done
