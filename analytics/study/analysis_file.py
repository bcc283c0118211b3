"""The part of a study file that says what is computed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, cast

from analytics.errors import near_miss
from analytics.study import spec
from analytics.study.fields import items_of, number, optional, positive, whole, words
from analytics.yaml_tree import Entry

_KEYS: Final = (
    "strata", "candidates", "always", "entry_p", "match_mm", "subgroups", "table_one", "size_bands_mm", "interval",
    "gain", "imputation",
)  # fmt: skip
_INTERVALS: Final = ("wilson", "clopper-pearson")

STUDY_FIGURES: Final = "study_figures"
"""Stands for every stratum of the figures of Qiao et al. (Front Oncol 2025;15:1681939, Figures 3-4 and supplement) that
the study has the columns of."""

_STAGE: Final = "mrn"
_JOINTLY_WITH: Final = ("mrtd", "mrcrm", "mremvi")
"""Covariates, in small letters: the model's status is looked at within each level of the first, jointly with others."""


def read_analysis(
    entry: Entry, raters: Sequence[spec.Rater] = (), covariates: Sequence[spec.Covariate] = ()
) -> spec.Analysis:
    """Return what is computed; raises `FileInvalid` for what is not allowed."""
    fields = entry.fields((), _KEYS)
    entry_p = optional(fields, "entry_p", number, 0.10)
    if not 0.0 < entry_p <= 1.0:
        raise fields["entry_p"].refuse("above 0 and at most 1")
    candidates, always = (tuple(item.text() for item in items_of(fields, key)) for key in ("candidates", "always"))
    return spec.Analysis(
        strata=_strata(fields, raters, covariates),
        candidates=candidates,
        always=always,
        entry_p=entry_p,
        match_mm=optional(fields, "match_mm", positive, 10.0),
        subgroups=tuple(item.text() for item in items_of(fields, "subgroups")),
        table_one=tuple(item.text() for item in items_of(fields, "table_one")),
        size_bands_mm=optional(fields, "size_bands_mm", _rising, ()),
        interval=cast(Any, fields["interval"].choice(_INTERVALS) if "interval" in fields else "wilson"),
        gain=optional(fields, "gain", _gain, None),
        imputation=optional(fields, "imputation", _imputation, None),
    )


def _rising(entry: Entry) -> tuple[float, ...]:
    edges = tuple(positive(item) for item in entry.items())
    if not edges or any(high <= low for low, high in pairwise(edges)):
        raise entry.refuse("one or more rising short axes in mm", ", ".join(f"{edge:g}" for edge in edges) or "none")
    return edges


def _gain(entry: Entry) -> spec.Gain:
    fields = entry.fields(("added", "over"))
    added, over = words(fields["added"]), words(fields["over"])
    if not added or not over or len({*added, *over}) < len(added) + len(over):
        raise entry.refuse("different names in added and over, at least one in each")
    return spec.Gain(added, over)


def _imputation(entry: Entry) -> spec.Imputation:
    fields = entry.fields((), ("imputations", "seed"))
    usual = spec.Imputation()
    return spec.Imputation(
        optional(fields, "imputations", partial(whole, least=2, most=1000), usual.imputations),
        optional(fields, "seed", partial(whole, least=0, most=2**32 - 1), usual.seed),
    )


def _strata(
    fields: Mapping[str, Entry], raters: Sequence[spec.Rater], covariates: Sequence[spec.Covariate]
) -> tuple[spec.Stratum, ...]:
    if "strata" not in fields or isinstance(fields["strata"].value, tuple):
        return tuple(map(_stratum, items_of(fields, "strata")))
    fields["strata"].choice((STUDY_FIGURES,))
    models = [each.name for each in raters if each.role == "model"]
    if not models:
        raise fields["strata"].refuse("a list of strata where the study has no model")
    categories = {each.name.lower(): each.name for each in covariates if each.levels}
    alone = [models[0], *(each.name for each in raters if each.role == "reader"), "region", "short_axis"]
    found = [spec.Stratum((name,)) for name in alone]
    if _STAGE in categories:
        found.append(spec.Stratum((models[0],), categories[_STAGE]))
    together = [categories[name] for name in _JOINTLY_WITH if name in categories]
    return (*found, *(spec.Stratum((models[0], name)) for name in together))


def _stratum(item: Entry) -> spec.Stratum:
    """Return a stratum from one name, or from `by` (one or more names) and `within`."""
    if isinstance(item.value, str):
        return spec.Stratum((item.text(),))
    fields = item.fields(("by",), ("within",))
    by = words(fields["by"])
    if not by or len(set(by)) < len(by):
        raise fields["by"].refuse("one or more different names")
    return spec.Stratum(by, optional(fields, "within", Entry.text, None))


def check_analysis_names(entry: Entry, study: spec.Study) -> None:
    """Refuse names that nothing in the study is called, and candidates that are known only later."""
    raters = [each.name for each in study.raters]
    known_at_start = [each.name for each in study.covariates if each.known_from == 0]
    categories = sorted(each.name for each in study.covariates if each.levels)
    known = {
        "strata": [*raters, *categories, "region", "short_axis"],
        "candidates": [*raters, *known_at_start, "region", "short_axis"],
        "always": list(study.analysis.candidates),
        "subgroups": [*categories, "region", "short_axis"],
        "table_one": [*raters, *categories, "region", "short_axis"],
        "gain": [*raters, *known_at_start, "region", "short_axis"],
    }
    analysis = entry.mapping()
    for key, allowed in known.items():
        for item in _names(analysis, key):
            if item.text() not in allowed:
                raise item.refuse(f"{', '.join(allowed)}{near_miss(item.text(), allowed)}")


def _names(fields: Mapping[str, Entry], key: str) -> Iterator[Entry]:
    """Yield every name that a list of strata or candidates uses."""
    if key in fields and isinstance(fields[key].value, str):
        return
    if key in fields and not isinstance(fields[key].value, tuple):
        for entry in fields[key].mapping().values():
            yield from entry.items() if isinstance(entry.value, tuple) else (entry,)
        return
    for item in items_of(fields, key):
        if isinstance(item.value, str):
            yield item
            continue
        for entry in item.mapping().values():
            yield from entry.items() if isinstance(entry.value, tuple) else (entry,)
