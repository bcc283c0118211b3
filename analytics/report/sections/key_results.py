"""The first page: what a reader wants to know before all else, each number as it stands in its section."""

from collections.abc import Iterator, Sequence
from typing import Final

from analytics.report.blocks import Number, Section
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData

_ACCURACY: Final = ("accuracy", "sensitivity", "specificity")


def key_results_section(data: StudyData, sections: Sequence[Section]) -> Section | None:
    """Return accuracy, discrimination, survival by the model's status and its hazard ratios; None without any of them.

    The numbers belong to their sections, and `results.json` has them there.
    """
    made = {number.key: number for section in sections for number in section.numbers}
    chosen = [made[key] for key in dict.fromkeys(_keys(data, made)) if key in made]
    if not chosen:
        return None
    note = "Each with its method in its section, where comparisons, tests and what limits them stand, too."
    table = numbers_table("key-results", "Key results", [_named(number) for number in chosen], note)
    return Section("key-results", "Key results", (table,))


def _keys(data: StudyData, made: dict[str, Number]) -> Iterator[str]:
    models = [rater.name for rater in data.study.raters_of("model")]
    for name in models:
        yield from (f"accuracy.{name}.{figure}" for figure in _ACCURACY)
    yield "probability.auc"
    follow_up = data.study.follow_up
    for endpoint in () if follow_up is None else follow_up.endpoints:
        yield f"survival.{endpoint.name}.follow_up"
        for name in models:
            stem = f"survival.{endpoint.name}.{name}."
            yield from (key for key in made if key.startswith(stem) and key.count(".") == 4 and "_at" not in key)
            yield f"{stem}test"
            yield from (key for key in made if key.startswith(f"cox.{endpoint.name}.together.{name}."))
            yield from (key for key in made if key.startswith(f"cox.{endpoint.name}.subdistribution.{name}."))
        yield f"performance.{endpoint.name}.c_corrected"


def _named(number: Number) -> Number:
    """Return a number whose label says where it comes from."""
    parts = number.key.split(".")
    if parts[0] == "accuracy":
        return Number(number.key, f"{parts[1]}: {number.label}", number.value, number.style, number.unit)
    if parts[0] in ("survival", "performance") and not number.label.startswith(parts[1]):
        return Number(number.key, f"{parts[1]}: {number.label}", number.value, number.style, number.unit)
    return number
