"""`python -m benchmarks.untidy`: every untidy series on three phantoms, by `sidewall analyze` and over gRPC.

The series and what is right for each are those of `tests/fixtures/untidy`. What was run is kept, so that an interrupted
run goes on where it stopped; what fell short is run again. Ends with status 1 where a case falls short.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import sidewall
import typer

from base import __version__
from core.findings import Findings
from core.findings_json import from_json, to_mapping
from phantom.dicom_series import encode_instance
from runtime.bundle.loading import load_bundle
from tests.fixtures.processes import SIDEWALL, TinyBundle, running_server
from tests.fixtures.untidy.bases import BASE_NAMES, phantom_base
from tests.fixtures.untidy.case import UntidyCase, make_untidy
from tests.fixtures.untidy.catalogue import CASES
from tests.fixtures.untidy.outcomes import Reading, faults_of_findings, faults_of_reading
from tests.fixtures.untidy.places import turned

WAYS: Final = ("analyze", "gRPC")
TRUSTED: Final = Path("trust/trusted_keys")
_PATIENCE_S: Final = 3600.0
_SETTINGS: Final = {"SIDEWALL_MODE": "fast", "SIDEWALL_THREADS": "0"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Answer = Findings | Reading | str
"""Findings, the reasons of a refusal without them, or what went wrong."""

Ask = Callable[[Path], Answer]
"""Has the series in a folder analysed."""


@dataclass(frozen=True)
class Record:
    """What became of one case."""

    case: str
    base: str
    way: str
    got: str
    faults: list[str]

    @property
    def key(self) -> tuple[str, str, str]:
        """What the record is of."""
        return self.case, self.base, self.way


class Records:
    """Records on disk, one line each, of one bundle and version; the last of a case counts."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Open or begin the records at `path`; those of anything but `identity` are thrown away."""
        self._path, header = path, json.dumps(identity, sort_keys=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.found: dict[tuple[str, str, str], Record] = {}
        if lines[:1] == [header]:
            records = [Record(**json.loads(line)) for line in lines[1:]]
            self.found = {record.key: record for record in records}
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(header + "\n", encoding="utf-8")

    def add(self, record: Record) -> None:
        """Keep a record, on disk before this returns."""
        self.found[record.key] = record
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(record)) + "\n")


@contextmanager
def _asking(way: str, bundle: Path, folder: Path) -> Iterator[Ask]:
    """Yield what has a series analysed by one of `WAYS`; a server ends with the block."""
    trusting = TinyBundle(bundle, TRUSTED)
    if way == "analyze":
        yield lambda series: _analyze(series, trusting, folder / "out")
        return
    with running_server(trusting, folder, **_SETTINGS) as server, sidewall.Client(server.address) as client:
        yield lambda series: _submit(series, client)


def _analyze(series: Path, bundle: TinyBundle, out: Path) -> Answer:
    given = ["analyze", series, "--bundle", bundle.path, "--out", out, "--case-id", "untidy", "--json"]
    environment = bundle.environment | _SETTINGS
    done = subprocess.run(
        [str(SIDEWALL), *map(str, given)], env=environment, capture_output=True, timeout=_PATIENCE_S, check=False
    )
    if done.returncode not in (0, 3):
        return f"exit status {done.returncode}"
    return from_json((out / "findings.json").read_text(encoding="utf-8"))


def _submit(series: Path, client: sidewall.Client) -> Answer:
    try:
        result = client.analyze_series(series, options=sidewall.CaseOptions(case_id="untidy"), timeout_s=_PATIENCE_S)
    except sidewall.Refused as refused:
        if refused.findings is not None:
            return from_json(json.dumps(dict(refused.findings)))
        reasons = refused.reasons
        return Reading(None, tuple(each.code for each in reasons), tuple(each.message for each in reasons))
    except OSError as error:  # the client itself refuses what it cannot read
        return Reading(None, ("unreadable",), (f"a file cannot be read ({type(error).__name__})",))
    except sidewall.SidewallClientError as error:
        return f"{type(error).__name__}: {error}"
    return from_json(json.dumps(dict(result.findings)))


def judged(case: UntidyCase, found: Answer, clean: Findings | None) -> tuple[str, list[str]]:
    """Return what came of a case, in words, and what is not right about it; `clean` is needed for one not refused."""
    if isinstance(found, str):
        return found, [found]
    if isinstance(found, Reading):
        return f"refused: {', '.join(found.codes)}", faults_of_reading(case, found, found)
    if found.refusal or clean is None:
        codes = ", ".join(str(each.code) for each in found.refusal or ())
        return f"refused: {codes}", faults_of_findings(case, found, found)
    new = [text for text in found.warnings if text not in clean.warnings]
    return f"{found.status}, {len(new)} new warnings", faults_of_findings(case, found, clean)


def _clean(base: str, ask: Ask, kept: Path, *, is_turned: bool) -> Findings:
    """Return the findings of a clean series, or of its patient turned, as they were kept or made now."""
    if kept.exists():
        return from_json(kept.read_text(encoding="utf-8"))
    clean = phantom_base(base)
    files = [encode_instance(dataset) for dataset in turned(clean.slices())] if is_turned else clean.files
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            (Path(folder) / f"{number:04d}.dcm").write_bytes(content)
        found = ask(Path(folder))
    if not isinstance(found, Findings) or found.refusal:
        raise SystemExit(f"the clean series {base} was not analysed: {found}")
    kept.write_text(json.dumps(to_mapping(found)), encoding="utf-8")
    return found


@app.command()
def run(
    bundle: Annotated[Path, typer.Option(help="The model bundle.")] = Path("models/demo"),
    out: Annotated[Path, typer.Option(help="The table.")] = Path("benchmarks/results/untidy.md"),
    work: Annotated[Path, typer.Option(help="Where records are kept.")] = Path("work/untidy"),
    only: Annotated[str, typer.Option(help="Pattern that the names of the cases to run begin with.")] = "",
    bases: Annotated[str, typer.Option(help="Names of phantoms, by commas.")] = ",".join(BASE_NAMES),
    ways: Annotated[str, typer.Option(help="analyze, gRPC or both, by commas.")] = ",".join(WAYS),
) -> None:
    """Run the cases that have not come out right yet, and write the table of all that were run."""
    identity = {"version": __version__, "bundle": load_bundle(bundle).digest, "mode": "fast"}
    records = Records(work / "records.jsonl", identity)
    cases = [case for name, case in CASES.items() if re.match(only, name)]
    chosen = [(case, base) for base in bases.split(",") for case in cases]
    for way in ways.split(","):
        left = [pair for pair in chosen if _is_left(records.found.get((pair[0].name, pair[1], way)))]
        if left:
            with tempfile.TemporaryDirectory() as folder, _asking(way, bundle.resolve(), Path(folder)) as ask:
                _run_cases(left, way, ask, records, work / str(identity["bundle"]).rpartition(":")[2][:12])
    out.write_text(markdown(list(records.found.values())), encoding="utf-8")
    names = {(case.name, base, way) for case, base in chosen for way in ways.split(",")}
    short = [record for record in records.found.values() if record.key in names and record.faults]
    typer.echo(f"{len(names) - len(short)} of {len(names)} are right; the table is {out}")
    sys.exit(1 if short else 0)


def _is_left(record: Record | None) -> bool:
    return record is None or bool(record.faults)


def _run_cases(cases: Sequence[tuple[UntidyCase, str]], way: str, ask: Ask, records: Records, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for case, base in cases:
        is_turned = case.name.startswith("cosines")
        with tempfile.TemporaryDirectory() as folder:
            found = ask(make_untidy(case, phantom_base(base).slices(), Path(folder) / "case"))
        clean = None
        if isinstance(found, Findings) and not found.refusal:  # a refusal is judged at once
            clean = _clean(base, ask, kept / f"{way}-{base}{'-turned' * is_turned}.json", is_turned=is_turned)
        got, faults = judged(case, found, clean)
        records.add(Record(case.name, base, way, got, faults))
        typer.echo(f"{way} {base} {case.name}: {got}{'; '.join(['', *faults])}")


def markdown(records: Sequence[Record]) -> str:
    """Return the table: a row per case, phantom and way."""
    short = sum(bool(record.faults) for record in records)
    lines = [
        "# Untidy series",
        "",
        "Series as other people's scanners, archives and anonymisers send them, made from phantoms. Model: the demo "
        f"bundle, mode fast. Of {len(records)} runs {short} fall short.",
        "",
        "| case | phantom | by | expected | got | ok |",
        "|---|---|---|---|---|---|",
    ]
    order = list(CASES)
    known = [record for record in records if record.case in CASES]
    for record in sorted(known, key=lambda each: (order.index(each.case), BASE_NAMES.index(each.base), each.way)):
        ok = "; ".join(record.faults).replace("|", "/") or "yes"
        expected = " or ".join(CASES[record.case].right)
        lines.append(f"| {record.case} | {record.base} | {record.way} | {expected} | {record.got} | {ok} |")
    return "\n".join([*lines, "", "`make untidy`", ""])


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.untidy")
