"""What came of every case of a run, as one table: CSV for people and programs, JSON with what the run was."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from base.durable import write_file
from runtime.analysis.many.listing import CSV_FILE, JSON_FILE, ListedCase

State = Literal["done", "refused", "incomplete", "failed", "otherwise", "waiting"]
"""`done`, also without a verdict; `refused` with its reasons; `incomplete`: a file of the result is missing; `failed`
and nothing written; `otherwise`: a result of other settings lies there, which is left as it is; `waiting` to be begun.
"""

STATES: Final[tuple[State, ...]] = ("done", "refused", "incomplete", "failed", "otherwise", "waiting")


@dataclass(frozen=True)
class CaseRow:
    """One line of the table; what is not known is None, and empty in the CSV."""

    name: str
    """Also that of its folder."""

    input: str
    state: State = "waiting"
    skipped: bool = False
    """Whether an earlier run had done it."""

    status: str | None = None
    """That of the findings."""

    code: str | None = None
    """Of the error, or the codes of the refusal, by spaces."""

    message: str | None = None
    """The error's text, or by what a result was made otherwise; no patient data."""

    case_id: str | None = None
    nodes: int | None = None
    positive_nodes: int | None = None
    largest_short_axis_mm: float | None = None
    warnings: int | None = None
    wall_s: float | None = None
    processor_s: float | None = None
    """User and system time of the process that analysed it."""


def row_of_findings(
    case: ListedCase,
    findings: Mapping[str, Any],
    *,
    skipped: bool = False,
    wall_s: float | None = None,
    processor_s: float | None = None,
) -> CaseRow:
    """Return the line of a case that has findings, in JSON form."""
    refusal, nodes = findings["refusal"], findings["nodes"]
    state: State = "refused" if refusal else "incomplete" if findings.get("missing_files") else "done"
    return CaseRow(
        case.name,
        str(case.input),
        state,
        skipped,
        findings["status"],
        " ".join(dict.fromkeys(each["code"] for each in refusal)) or None,
        case_id=findings["case"]["case_id"],
        nodes=len(nodes),
        positive_nodes=sum(each["status"] == "positive" for each in nodes),
        largest_short_axis_mm=max((each["short_axis_mm"] for each in nodes), default=None),
        warnings=len(findings["warnings"]),
        wall_s=wall_s,
        processor_s=processor_s,
    )


def counts_of(rows: Iterable[CaseRow]) -> dict[str, int]:
    """Return how many cases are in each state, without states that none is in."""
    counts = Counter(each.state for each in rows)
    return {state: counts[state] for state in STATES if counts[state]}


def table_mapping(rows: Iterable[CaseRow], run: Mapping[str, str]) -> dict[str, Any]:
    """Return the table in JSON form; `run` is what made the results (`marks_of_run`)."""
    rows = list(rows)
    return {"run": dict(run), "counts": counts_of(rows), "cases": [asdict(each) for each in rows]}


def remove_halves(out: Path) -> None:
    """Take away what a run that was killed while it wrote its table left aside; raises `OSError`."""
    for name in (CSV_FILE, JSON_FILE):
        for half in out.glob(f".{name}.*.part"):
            half.unlink(missing_ok=True)


def write_table(out: Path, rows: Iterable[CaseRow], run: Mapping[str, str]) -> None:
    """Write `cases.csv` and `cases.json` in place of those of before, each whole; raises `OSError`."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(CaseRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in rows)
    write_file(out / CSV_FILE, text.getvalue().encode())
    document = json.dumps(table_mapping(rows, run), indent=2, ensure_ascii=False) + "\n"
    write_file(out / JSON_FILE, document.encode())
