"""A folder of findings (findings.json or DICOM SR) into one row per case."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sidewall.vocabulary import SIDES, STATION, STATUS_CODES

from analytics.errors import InputUnreadable
from analytics.study.case_record import CaseRecord, NodeRecord
from analytics.study.problems import Consequence, Problem


def read_findings(folder: Path, advance: Callable[[], None] = lambda: None) -> tuple[list[CaseRecord], list[Problem]]:
    """Return the cases of a folder by name; a file that cannot be read is a problem, the others go on.

    Raises `InputUnreadable` when there is no such folder or it holds neither kind of file.
    """
    files = findings_files(folder)
    cases: dict[str, tuple[CaseRecord, str]] = {}
    problems = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            case = _read_json(path) if path.suffix == ".json" else _read_report(path)
        except ValueError as error:
            problems.append(Problem(name, None, None, str(error), "findings of schema 1.x", Consequence.FILE_LEFT_OUT))
            continue
        finally:
            advance()
        if case.case in cases:
            got = f"the same case as {cases[case.case][1]}"
            problems.append(Problem(name, None, None, got, "one file for each case", Consequence.FILE_LEFT_OUT))
            continue
        cases[case.case] = (case, name)
    return [case for case, _ in cases.values()], problems


def findings_files(folder: Path) -> list[Path]:
    """Return the findings files below a folder: `*.json`, else DICOM SR (`*.dcm`), in the order of their names."""
    if not folder.is_dir():
        raise InputUnreadable(str(folder), "there is no such folder")
    for pattern in ("*.json", "*.dcm"):
        if files := sorted(folder.rglob(pattern)):
            return files
    raise InputUnreadable(str(folder), "it holds no findings.json and no DICOM SR (*.dcm)")


def _read_report(path: Path) -> CaseRecord:
    # pydicom takes long to load, and most studies have none.
    from analytics.study.structured_report import read_report

    return read_report(path)


def _read_json(path: Path) -> CaseRecord:
    """Return the case of one findings.json; raises `ValueError` saying what is wrong with it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("no JSON") from None
    if not isinstance(found, dict) or not str(found.get("schema_version", "")).startswith("1."):
        version = found.get("schema_version") if isinstance(found, dict) else None
        raise ValueError(f"findings of schema {version!r}")
    try:
        nodes = tuple(_node(node) for node in found["nodes"])
        status, case, probability = found["status"], found["case"]["case_id"], found["probability"]
        regions = [(each["side"], each["station"]) for each in found.get("assessed", ()) if not each["assessed"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"findings without {error}") from None
    if status not in STATUS_CODES:
        raise ValueError(f"the status {status!r}")
    if strange := [region for region in regions if region[0] not in SIDES or region[1] not in STATION]:
        raise ValueError(f"an assessed region {' '.join(map(str, strange[0]))}")
    if probability is not None and not (_is_number(probability) and 0 <= probability <= 1):
        raise ValueError(f"the probability {probability!r}")
    return CaseRecord(str(case), status, probability, nodes, tuple(regions))


def _node(node: dict[str, Any]) -> NodeRecord:
    status, side, station, short_axis_mm = (node[key] for key in ("status", "side", "station", "short_axis_mm"))
    if status not in STATUS_CODES or side not in (*SIDES, "unknown") or station not in (*STATION, None):
        raise ValueError(f"a node with status {status!r}, side {side!r}, station {station!r}")
    if not _is_number(short_axis_mm) or not 0 <= short_axis_mm < 1000:
        raise ValueError(f"a node with short_axis_mm {short_axis_mm!r}")
    probability, centre = node.get("probability"), node.get("centroid_lps_mm")
    if probability is not None and not (_is_number(probability) and 0 <= probability <= 1):
        raise ValueError(f"a node with probability {probability!r}")
    if centre is not None and not (isinstance(centre, list) and len(centre) == 3 and all(map(_is_number, centre))):
        raise ValueError("a node whose centroid_lps_mm is not three numbers")
    where = None if centre is None else (float(centre[0]), float(centre[1]), float(centre[2]))
    return NodeRecord(status, side, station, float(short_axis_mm), probability, where)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
