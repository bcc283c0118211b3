"""Every number of a report as JSON and CSV."""

import csv
import json
import math
from io import StringIO
from typing import Any

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Number, ReportDocument, Table
from analytics.report.wording import value_text
from analytics.study.console import check_as_json
from analytics.study.data import StudyData

_COLUMNS = ("section", "key", "label", "printed", "kind", "value", "low", "high", "level", "count", "statistic",
            "degrees_of_freedom", "p_value", "n", "unit", "method", "note")  # fmt: skip


def results_json(document: ReportDocument, data: StudyData, faults: dict[str, str]) -> str:
    """Return numbers, tables, checks of the data, versions, inputs and `faults`; undefined numbers are null."""
    content = {
        "title": document.title,
        "simulated": document.simulated,
        "purpose": "research use only",
        "software_versions": document.versions,
        "inputs_sha256": document.inputs,
        "faults": faults,
        "data": check_as_json(data),
        "numbers": number_records(document),
        "tables": [
            {"key": block.key, "title": block.title, "header": block.header, "rows": block.rows, "note": block.note}
            for section in document.sections
            for block in section.blocks
            if isinstance(block, Table)
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def numbers_csv(document: ReportDocument) -> str:
    """Return one line per number."""
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(number_records(document))
    return text.getvalue()


def number_records(document: ReportDocument) -> list[dict[str, Any]]:
    """Return every number with all that it rests on."""
    return [{"section": section.key, **_record(number)} for section in document.sections for number in section.numbers]


def _record(number: Number) -> dict[str, Any]:
    record: dict[str, Any] = dict.fromkeys(_COLUMNS[1:])
    record |= {"key": number.key, "label": number.label, "printed": value_text(number), "unit": number.unit or None}
    value = number.value
    record |= {"n": value.n, "method": value.method, "note": value.note}
    if isinstance(value, Estimate):
        bounds = {"value": _finite(value.value), "low": _finite(value.low), "high": _finite(value.high)}
        return record | bounds | {"kind": "estimate", "level": value.level, "count": value.count}
    return record | _test_record(value)


def _test_record(test: HypothesisTest) -> dict[str, Any]:
    return {
        "kind": "test",
        "statistic": _finite(test.statistic),
        "degrees_of_freedom": test.degrees_of_freedom,
        "p_value": _finite(test.p_value),
    }


def _finite(value: float | None) -> float | None:
    """Return the number with 12 significant digits, beyond which machines differ; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.12g}")
