"""How often one kind of interval covered, and the table of all kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.accuracy.proportions import proportion

AIM: Final = (0.93, 0.97)
"""Share of 95 % intervals that should cover."""

LEVEL: Final = 0.95

_Interval = tuple[float | None, float | None, float | None]

LEFT_OUT: Final = (
    ("Harrell's C and time-dependent AUC of a fitted model", "their true value changes with the fit of each cohort"),
    ("no-information rate", "its estimand is the larger class's share, which the intervals of prevalence show"),
)
"""What has no true value here, and why."""

EXACT: Final = ("Clopper-Pearson",)
"""Kinds that cover at least 95 % by construction, so that 97 % is no bound for them."""

PLAIN: Final = {
    "DeLong, plain": (
        "is symmetric, and too short near an area of 1 with the 60 or so positives of a cohort (Obuchowski & Lieber "
        "1998); it covers with ten times the patients"
    ),
    "ICC, F-based": (
        "takes sizes as normal, but those of positive and negative nodes lie apart, and ICC2 learns little of the "
        "spread of readers from three; it covers with normal sizes (ICC3) and with twenty readers (ICC2)"
    ),
    "restricted mean, plain": (
        "is symmetric, while the mean of a group with few deaths is skewed near the horizon, its upper limit"
    ),
    "delta method, plain": (
        "takes the attributable proportion as normal, which is skewed with so few events (Assmann et al. 1996)"
    ),
}
"""Kinds that other software prints and that this tool keeps to be compared with, and why they may not cover."""


@dataclass(frozen=True)
class Coverage:
    """One kind of interval for one parameter, over all cohorts."""

    name: str
    """`kind: parameter`."""

    truth: float
    mean: float
    """Mean estimate; not a number where none was defined."""

    covered: int
    truth_below: int
    """Intervals that lie wholly above the truth."""

    truth_above: int
    undefined: int
    """Cohorts without an interval, which the share leaves out."""

    share: float
    share_low: float
    """Wilson interval of the share, which tells how well the experiment knows it."""

    share_high: float
    median_width: float | None
    """None where most intervals are unbounded."""


def coverage_of(name: str, truth: float, intervals: Sequence[_Interval]) -> Coverage:
    """Return the coverage of intervals (value, lower, upper); both bounds None is undefined, one None is infinite."""
    values = np.array([np.nan if value is None else value for value, _, _ in intervals])
    bounds = [(low, high) for _, low, high in intervals if low is not None or high is not None]
    low = np.array([-np.inf if each is None else each for each, _ in bounds])
    high = np.array([np.inf if each is None else each for _, each in bounds])
    below, above = int((low > truth).sum()), int((high < truth).sum())
    covered = len(bounds) - below - above
    share = proportion(covered, len(bounds))
    width = float(np.median(high - low)) if bounds else np.inf
    return Coverage(
        name=name,
        truth=truth,
        mean=float(np.nanmean(values)) if not np.isnan(values).all() else float("nan"),
        covered=covered,
        truth_below=below,
        truth_above=above,
        undefined=len(intervals) - len(bounds),
        share=share.value,
        share_low=0.0 if share.low is None else share.low,
        share_high=1.0 if share.high is None else share.high,
        median_width=width if np.isfinite(width) else None,
    )


def markdown(report: dict[str, Any]) -> str:
    """Return the report of `benchmarks.interval_coverage` as Markdown."""
    exact, plain, given = _classes(report["coverage"])
    aim = f"{AIM[0]:.0%} to {AIM[1]:.0%}"
    outside = [row for row in given if not AIM[0] <= row["share"] <= AIM[1]]
    machine = report["machine"]
    return "\n".join(
        [
            "# How often the 95 % intervals cover the truth",
            "",
            f"{report['cohorts']} simulated cohorts of {report['patients']} patients (seeds from "
            f"{report['first_seed']}), whose true parameters are known "
            "([docs/simulated_study.md](../../docs/simulated_study.md)). Simulated numbers only: none of this says "
            "anything about patients.",
            "",
            f"- **Given by default**: {len(given) - len(outside)} of {len(given)} cover in {aim} of the cohorts.",
            f"- **Exact**, on request: {sum(row['share'] >= LEVEL for row in exact)} of {len(exact)} cover in "
            f"{LEVEL:.0%} or more, as they must by construction.",
            f"- **Plain**, kept for comparison with R and never given by default: {_within(plain)} of {len(plain)} "
            f"cover in {aim}.",
            "",
            *_section("By kind of interval", _by_kind(given)),
            *_section(f"Outside {aim}", [_HEAD, *map(_row, outside)] if outside else ["None."]),
            *_section("Every interval that is given by default", [_HEAD, *map(_row, given)]),
            *_section("Exact: at least 95 % by construction", _exact(exact)),
            *_section("Plain, for comparison with R", [_HEAD, *map(_row, plain), "", *_causes(plain)]),
            *_section("Not measured", [f"- {what}: {why}." for what, why in LEFT_OUT]),
            *_section(f"True values from {report['sampled_patients']:,} patients", _sampled(report["sampled_truths"])),
            f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Python {machine['python']}, by `{report['command']}`.",
            "",
        ]
    )


_Row = dict[str, Any]


def _classes(rows: Sequence[_Row]) -> tuple[list[_Row], list[_Row], list[_Row]]:
    """Return the rows of exact intervals, of plain ones, and of those that are given by default."""
    exact = [row for row in rows if _kind(row) in EXACT]
    plain = [row for row in rows if _kind(row) in PLAIN]
    return exact, plain, [row for row in rows if _kind(row) not in (*EXACT, *PLAIN)]


def _kind(row: _Row) -> str:
    return str(row["name"].partition(": ")[0])


def _within(rows: Sequence[_Row]) -> int:
    return sum(AIM[0] <= row["share"] <= AIM[1] for row in rows)


_HEAD: Final = (
    "| interval | parameter | truth | mean estimate | covers | its 95 % interval | truth below | truth above "
    "| undefined |\n|---|---|---|---|---|---|---|---|---|"
)


def _row(row: _Row) -> str:
    kind, _, parameter = row["name"].partition(": ")
    figures = f"{row['truth']:.4g} | {row['mean']:.4g}"
    share = f"{row['share']:.1%} | {row['share_low']:.1%} to {row['share_high']:.1%}"
    missed = f"{row['truth_below']} | {row['truth_above']} | {row['undefined']}"
    return f"| {kind} | {parameter} | {figures} | {share} | {missed} |"


def _exact(rows: Sequence[_Row]) -> list[str]:
    words = (
        "Clopper-Pearson never covers less than the level, whatever the true share, and more where counts are small "
        "(Agresti & Coull, Am Stat 1998;52:119-126). Wilson's, which is given by default, covers the same shares above."
    )
    return [words, "", _HEAD, *map(_row, rows)]


def _causes(rows: Sequence[_Row]) -> list[str]:
    kinds = {_kind(row) for row in rows}
    return [f"- {kind} {why}." for kind, why in PLAIN.items() if kind in kinds]


def _by_kind(rows: Sequence[_Row]) -> list[str]:
    kinds: dict[str, list[float]] = {}
    for row in rows:
        kinds.setdefault(_kind(row), []).append(row["share"])
    lines = ["| interval | parameters | lowest | mean | highest |", "|---|---|---|---|---|"]
    for kind, shares in kinds.items():
        lines.append(f"| {kind} | {len(shares)} | {min(shares):.1%} | {np.mean(shares):.1%} | {max(shares):.1%} |")
    return lines


def _sampled(values: dict[str, dict[str, float]]) -> list[str]:
    lines = ["| parameter | value | standard error |", "|---|---|---|"]
    return lines + [f"| {name} | {each['value']:.5f} | {each['standard_error']:.5f} |" for name, each in values.items()]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""]
