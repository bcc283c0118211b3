"""Region and short axis of the patient's leading node: confusion matrices against the reference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.agreement.confusion import ConfusionMatrix, confusion_matrix
from analytics.report.blocks import Block, Number, Section
from analytics.report.figures.matrices import draw_matrix
from analytics.report.frame import STATUS_LEVELS, bands, size_levels
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData


def ratings_section(data: StudyData) -> Section | None:
    """Return a confusion matrix of status, region and size band for the model and each reader."""
    references = data.study.raters_of("reference")
    if not references:
        return None
    reference = references[0].name
    blocks: list[Block] = []
    numbers: list[Number] = []
    regions = tuple(dict.fromkeys(meaning for _, meaning in data.study.regions))
    scales = {"status": STATUS_LEVELS, "region": regions, "short_axis": size_levels(data.study)}
    for rater in (rater for rater in data.study.raters if rater.role != "reference"):
        for name, levels in scales.items():
            first, second = (column(data, each, name) for each in (reference, rater.name))
            if first is None or second is None:
                continue
            both = pd.DataFrame({"first": first, "second": second}).dropna()
            if both.empty:
                continue
            found = confusion_matrix(
                both["first"].to_numpy(), both["second"].to_numpy(), levels, interval=data.study.analysis.interval
            )
            block, made = _matrix(rater.name, name, levels, found)
            blocks.append(block)
            numbers += made
    if not blocks:
        return None
    note = "Matrices are of patients whom both judged; the shade is the share of the reference's row."
    blocks.append(numbers_table("ratings", "Agreement with the reference", numbers, note))
    return Section("ratings", "Status, region and size against the reference", tuple(blocks), tuple(numbers))


def column(data: StudyData, rater: str, name: str) -> pd.Series | None:
    """Return one rater's statuses (positive, negative), regions or size bands; None where they are not given."""
    judged = data.judgements[rater]
    if name == "short_axis":
        return bands(judged["short_axis_mm"], data.study) if "short_axis_mm" in judged else None
    if name not in judged:
        return None
    return judged[name].where(judged[name].isin(STATUS_LEVELS)) if name == "status" else judged[name]


def _matrix(rater: str, name: str, levels: Sequence[str], found: ConfusionMatrix) -> tuple[Block, list[Number]]:
    counts = np.asarray(found.counts, dtype=np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    texts = [
        [f"{int(count):,}\n{100 * share:.0f} %" for count, share in zip(*rows, strict=True)]
        for rows in zip(counts, shares, strict=True)
    ]
    label = {"status": "status", "region": "region", "short_axis": "short axis"}[name]
    words = f"Confusion matrix of {label}, reference in rows, {rater} in columns: " + "; ".join(
        f"{level} {', '.join(str(int(count)) for count in row)}" for level, row in zip(levels, counts, strict=True)
    )
    title = f"{rater}: {label}"
    figure = draw_matrix(
        shares, texts, (levels, levels), ("Reference", rater), (f"matrix-{rater}-{name}", title, words)
    )
    numbers = [
        Number(f"ratings.{rater}.{name}.accuracy", f"{title}, accuracy", found.accuracy, "percent"),
        Number(f"ratings.{rater}.{name}.kappa", f"{title}, kappa", found.kappa),
    ]
    return figure, numbers
