"""The evaluation's figures as a Markdown table."""

from typing import Any

from benchmarks.dicom_validity import validity_markdown
from benchmarks.scoring import SIZE_CLASSES

AIMS: dict[str, str] = {
    "sensitivity, >= 5 mm": ">= 0.85",
    "PPV, >= 5 mm": ">= 0.85",
    "patient sensitivity": ">= 0.80",
    "patient specificity": ">= 0.80",
    "station": ">= 0.95",
    "side": "1.00",
    "short axis error": "<= 1.0 mm",
}
"""What the demo model is meant to reach."""


def markdown(report: dict[str, Any]) -> str:
    """Return the report of `benchmarks.evaluate_model` as Markdown: what was measured, on what, and the figures."""
    summary = report["summary"]
    rows = [*_detection_rows(summary), *_patient_rows(summary), *_node_rows(summary)]
    table = "\n".join(f"| {name} | {value} | {aim} |" for name, value, aim in rows)
    machine, model = report["machine"], report["model"]
    return "\n".join(
        [
            "# The demo model on phantoms it has not seen",
            "",
            f"Bundle `{model['name']}` {model['version']} (`{model['digest']}`), {model['mode']} mode "
            f"on {model['backend']}; phantoms of generator version {report['generator_version']}, "
            f"seeds {report['seeds']}{_of_hospital(report)}; {summary['cases']} cases, {summary['refused']} refused, "
            f"{summary['true_nodes']} true nodes.",
            f"A found node is a true one at IoU >= {report['minimum_iou']}. Sensitivity goes by the true short axis, "
            "positive predictive value (PPV) by the reported one. Brackets: counts, 95 % Wilson interval (nodes taken "
            "as independent). Synthetic images only: none of this says anything about patients.",
            "",
            "| figure | measured | aim |",
            "|---|---|---|",
            table,
            "",
            *_gate_lines(summary),
            *(validity_markdown(report["dicom_validity"]) if "dicom_validity" in report else []),
            f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Python {machine['python']}, by `{report['command']}`.",
            "",
        ]
    )


def _of_hospital(report: dict[str, Any]) -> str:
    """Return whose scanner acquired the cases, where it was one of those kept for testing or one that was named."""
    return f", hospital {report['hospital']}" if report.get("hospital") else ""


def _gate_lines(summary: dict[str, Any]) -> list[str]:
    """Return what the quality gates said of these cases, of which some are truncated or have ghosts."""
    rows = [
        f"| {code} | {len(seeds)} of {summary['cases']} | {', '.join(map(str, seeds))} |"
        for code, seeds in summary["gates"].items()
    ]
    if not rows:
        return ["No quality gate warned of any case.", ""]
    return ["## Quality gates that warned", "", "| gate | cases | seeds |", "|---|---|---|", *rows, ""]


def _detection_rows(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for name, _, _ in SIZE_CLASSES:
        figures = summary["detection"][name]
        rows.append((f"node sensitivity, {name}", _share(figures["sensitivity"]), AIMS.get(f"sensitivity, {name}", "")))
    for name, _, _ in SIZE_CLASSES:
        figures = summary["detection"][name]
        rows.append((f"node PPV, {name}", _share(figures["positive_predictive_value"]), AIMS.get(f"PPV, {name}", "")))
    rows.append(("false alarms per case", f"{summary['false_alarms_per_case']:.2f}", ""))
    return rows


def _patient_rows(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    patients = summary["patients"]
    return [
        ("patient sensitivity", _share(patients["model"]["sensitivity"]), AIMS["patient sensitivity"]),
        ("patient specificity", _share(patients["model"]["specificity"]), AIMS["patient specificity"]),
        ("patient accuracy", _share(patients["model"]["accuracy"]), ""),
        ("patient sensitivity, borderline as positive", _share(patients["model_with_borderline"]["sensitivity"]), ""),
        ("patient specificity, borderline as positive", _share(patients["model_with_borderline"]["specificity"]), ""),
        ("patient accuracy of always-positive", _share(patients["always_positive"]["accuracy"]), ""),
    ]


def _node_rows(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    matched = summary["matched_nodes"]
    axis = matched["short_axis_mm"]
    error = (
        f"{axis['mean_absolute_error']:.2f} mm (mean {axis['mean_error']:+.2f}, "
        f"largest {axis['largest_absolute_error']:.2f})"
        if axis
        else "no matched node"
    )
    return [
        ("station of matched nodes", _share(matched["station"]), AIMS["station"]),
        ("side of matched nodes", _share(matched["side"]), AIMS["side"]),
        ("status of matched nodes", f"{_share(matched['status'])}; {matched['status_undecided']} undecided", ""),
        ("short axis of matched nodes, mean absolute error", error, AIMS["short axis error"]),
    ]


def _share(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "no cases"
    low, high = figure["interval_95"]
    return f"{figure['value']:.2f} ({figure['successes']}/{figure['trials']}; {low:.2f}-{high:.2f})"
