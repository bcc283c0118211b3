"""A claims file (YAML) into `Claims`; every refusal names the line and the field."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

from analytics.audit import claims as c
from analytics.audit.reported import (
    Reported,
    parse_bound,
    parse_coefficient,
    parse_count,
    parse_number,
    parse_positive,
    parse_share,
    parse_years,
)
from analytics.yaml_tree import Entry, load_yaml

SECTIONS: Final = (
    "tables",
    "ratios",
    "survival",
    "medians",
    "counts",
    "sums",
    "percentages",
    "agreement",
    "areas",
)
BANDS: Final = ("poor", "slight", "fair", "moderate", "substantial", "almost perfect")


def load_claims(path: Path) -> c.Claims:
    """Return the claims of a file.

    Raises `InputUnreadable` when it cannot be read, `FileInvalid` for the first place that holds what is not allowed.
    """
    return read_claims(load_yaml(path))


def read_claims(root: Entry) -> c.Claims:
    """Return the claims of a YAML tree; raises `FileInvalid` as `load_claims` does."""
    fields = root.fields(("title",), ("citation", *SECTIONS))
    readers: dict[str, Callable[[Entry], Any]] = {
        "tables": _table,
        "ratios": _ratio,
        "medians": _median,
        "counts": _count,
        "sums": _sum,
        "percentages": _percentage,
        "agreement": _agreement,
        "areas": _area,
    }
    sections: dict[str, Any] = {
        name: tuple(map(reader, fields[name].items())) for name, reader in readers.items() if name in fields
    }
    if "survival" in fields:
        sections["survival"] = tuple(claim for item in fields["survival"].items() for claim in _survival(item))
    claims = c.Claims(fields["title"].text(), _text(fields, "citation"), **sections)
    _check_names(root, claims)
    return claims


def _check_names(root: Entry, claims: c.Claims) -> None:
    known = {count.name for count in claims.counts}
    for claim, item in zip(claims.sums, root.mapping()["sums"].items() if claims.sums else (), strict=True):
        for name in (claim.total, *claim.parts):
            if name not in known:
                raise item.refuse(f"names of counts: {', '.join(sorted(known)) or 'none is given'}", repr(name))


def _table(item: Entry) -> c.TableClaim:
    fields = item.fields(("name", "n"), (*c.RATES, *c.CELLS, *c.MARGINS, *c.DERIVED, "kappa"))
    n = _whole(fields["n"], 1)
    return c.TableClaim(
        name=fields["name"].text(),
        line=item.line,
        n=n,
        rates={name: fields[name].parsed(parse_share) for name in c.RATES if name in fields},
        cells={name: fields[name].parsed(parse_count) for name in c.CELLS if name in fields},
        margins={name: _statements(fields[name]) for name in c.MARGINS if name in fields},
        kappa=fields["kappa"].parsed(parse_coefficient) if "kappa" in fields else None,
        derived={name: fields[name].parsed(_parse_derived) for name in c.DERIVED if name in fields},
    )


def _parse_derived(text: str) -> Reported:
    """Return a likelihood ratio, or a share as such."""
    return parse_share(text) if "%" in text else parse_bound(text)


def _ratio(item: Entry) -> c.RatioClaim:
    fields = item.fields(("name", "ratio"), ("low", "high", "level", "p", "test", "interval", "endpoint", "groups"))
    if ("low" in fields) != ("high" in fields):
        raise item.refuse("both bounds, or neither", "one of them alone")
    if ("groups" in fields) != ("endpoint" in fields):
        raise item.refuse("endpoint and groups together", "one of them alone")
    level = _level(fields)
    kinds = ("wald", "other", "unknown")
    return c.RatioClaim(
        name=fields["name"].text(),
        line=item.line,
        ratio=fields["ratio"].parsed(parse_positive),
        low=fields["low"].parsed(parse_bound) if "low" in fields else None,
        high=fields["high"].parsed(parse_positive) if "high" in fields else None,
        level=level,
        p_value=fields["p"].parsed(parse_share) if "p" in fields else None,
        test=cast(Any, fields["test"].choice(kinds) if "test" in fields else "unknown"),
        interval=cast(Any, fields["interval"].choice(kinds) if "interval" in fields else "unknown"),
        endpoint=_text(fields, "endpoint"),
        groups=_pair(fields["groups"]) if "groups" in fields else None,
    )


def _level(fields: Mapping[str, Entry]) -> float:
    level = fields["level"].parsed(parse_share).value if "level" in fields else 0.95
    if not 0.5 <= level < 1.0:
        raise fields["level"].refuse("a level from 50 % to below 100 %")
    return float(level)


def _area(item: Entry) -> c.AreaClaim:
    fields = item.fields(("name", "area"), ("low", "high", "level", "positives", "negatives"))
    for first, second in (("low", "high"), ("positives", "negatives")):
        if (first in fields) != (second in fields):
            raise item.refuse(f"{first} and {second} together", "one of them alone")
    return c.AreaClaim(
        name=fields["name"].text(),
        line=item.line,
        area=fields["area"].parsed(parse_share),
        low=fields["low"].parsed(parse_share) if "low" in fields else None,
        high=fields["high"].parsed(parse_share) if "high" in fields else None,
        level=_level(fields),
        positives=_whole(fields["positives"], 1) if "positives" in fields else None,
        negatives=_whole(fields["negatives"], 1) if "negatives" in fields else None,
    )


def _pair(entry: Entry) -> tuple[str, str]:
    names = [each.text() for each in entry.items()]
    if len(names) != 2 or names[0] == names[1]:
        raise entry.refuse("two different groups, the first against the second")
    return names[0], names[1]


def _survival(item: Entry) -> list[c.SurvivalClaim]:
    fields = item.fields(("endpoint", "time", "groups"), ("where",))
    years = fields["time"].parsed(parse_years)
    return [
        c.SurvivalClaim(
            endpoint=fields["endpoint"].text(),
            group=group,
            time_years=years,
            time_text=fields["time"].text(),
            share=share.parsed(parse_share),
            where=_text(fields, "where"),
            line=share.line,
        )
        for group, share in fields["groups"].mapping().items()
    ]


def _median(item: Entry) -> c.MedianClaim:
    fields = item.fields(("endpoint", "group", "median"))
    text = fields["median"].text()
    years = None if text == "not reached" else fields["median"].parsed(parse_years)
    return c.MedianClaim(fields["endpoint"].text(), fields["group"].text(), years, text, item.line)


def _count(item: Entry) -> c.CountClaim:
    fields = item.fields(("name", "value"))
    return c.CountClaim(fields["name"].text(), item.line, _statements(fields["value"]))


def _statements(entry: Entry) -> tuple[c.Statement, ...]:
    """Return one count, or a list of counts of which each may say where it stands."""
    if isinstance(entry.value, str):
        return (c.Statement(entry.parsed(parse_count), None, entry.line),)
    found = []
    for item in entry.items():
        if isinstance(item.value, str):
            found.append(c.Statement(item.parsed(parse_count), None, item.line))
            continue
        fields = item.fields(("value",), ("where",))
        found.append(c.Statement(fields["value"].parsed(parse_count), _text(fields, "where"), item.line))
    if not found:
        raise entry.refuse("at least one count", "an empty list")
    return tuple(found)


def _sum(item: Entry) -> c.SumClaim:
    fields = item.fields(("total", "parts"))
    return c.SumClaim(fields["total"].text(), tuple(part.text() for part in fields["parts"].items()), item.line)


def _percentage(item: Entry) -> c.PercentageClaim:
    fields = item.fields(("name", "share", "of"), ("count",))
    total = _whole(fields["of"], 1)
    count = _whole(fields["count"], 0) if "count" in fields else None
    if count is not None and count > total:
        raise fields["count"].refuse(f"at most {total}, the size of the group")
    share = fields["share"].parsed(parse_share)
    return c.PercentageClaim(fields["name"].text(), item.line, share, total, count)


def _agreement(item: Entry) -> c.AgreementClaim:
    fields = item.fields(("name",), ("table", "weights", "kappa", "observed", "band"))
    weights = fields["weights"].choice(("none", "linear", "quadratic")) if "weights" in fields else "none"
    return c.AgreementClaim(
        name=fields["name"].text(),
        line=item.line,
        table=_counts_table(fields["table"]) if "table" in fields else None,
        weights=cast(Literal["none", "linear", "quadratic"], weights),
        kappa=fields["kappa"].parsed(parse_coefficient) if "kappa" in fields else None,
        observed=fields["observed"].parsed(parse_share) if "observed" in fields else None,
        band=fields["band"].choice(BANDS) if "band" in fields else None,
    )


def _counts_table(entry: Entry) -> tuple[tuple[int, ...], ...]:
    rows = tuple(tuple(_whole(cell, 0) for cell in row.items()) for row in entry.items())
    if len(rows) < 2 or any(len(row) != len(rows) for row in rows):
        raise entry.refuse("a square table of at least two rows", f"rows of {[len(row) for row in rows]} cells")
    if sum(map(sum, rows)) == 0:
        raise entry.refuse("at least one case", "a table of zeros")
    return rows


def _whole(entry: Entry, least: int) -> int:
    number: Reported = entry.parsed(parse_number)
    if not number.value.is_integer() or number.low == -float("inf") or number.value < least or "." in number.text:
        raise entry.refuse(f"a whole number from {least}")
    return int(number.value)


def _text(fields: Mapping[str, Entry], name: str) -> str | None:
    return fields[name].text() if name in fields else None
