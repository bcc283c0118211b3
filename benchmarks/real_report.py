"""The report of `evaluate_real` as a page: one column per bundle, before beside after."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any, Final

AIMS: Final = {"inside": "95 %", "organs_free": "100 %", "largest": "0.9"}

Report = Mapping[str, Any]


def markdown(report: Report, before: Report | None = None) -> str:
    """Return the page; `before` is the report of an earlier bundle on the same series."""
    columns = ([before] if before else []) + [report]
    heads = [f"{each['model']['name']} {each['model']['version']}" for each in columns]
    distance = report["landmark_disagreement_mm"] or {}
    return "\n".join(
        [
            "# Real series without labels: how plausible the answer is",
            "",
            f"{len(report['series'])} axial T2 series of the ProstateX collection (CC BY 3.0), {report['landmarks']} "
            f"landmarks placed by eye, twice: {distance.get('median')} mm apart in the median, "
            f"{distance.get('p95')} mm at the 95th percentile.",
            "A landmark counts when the places of both passes lie in its station (an organ: both in none).",
            "Pieces are of the raw arg-max, node holes filled. Not an accuracy: these are prostate",
            "protocols, which show the lower half of the lateral compartments only.",
            "",
            f"| figure | {' | '.join(heads)} | aim |",
            "|---|" + "---|" * (len(heads) + 1),
            *(_row(name, [value(each) for each in columns], aim) for name, value, aim in _figures()),
            "",
            *_series_table(report),
            "",
            *_repeats(report),
            "",
            f"By `{report['command']}` on {report['machine']['processor']}.",
            "",
        ]
    )


def _row(name: str, values: Sequence[str], aim: str) -> str:
    return f"| {name} | {' | '.join(values)} | {aim} |"


def _figures() -> list[tuple[str, Callable[[Report], str], str]]:
    return [
        ("landmarks inside their station", lambda report: _share(report, "inside"), AIMS["inside"]),
        *(
            (f"- {kind.replace('_', ' ')}", lambda report, kind=kind: _of_kind(report, kind), "")
            for kind in ("external_iliac", "obturator", "internal_iliac or obturator")
        ),
        (
            "organs, muscles, bones and other fat free",
            lambda report: _share(report, "organs_free"),
            AIMS["organs_free"],
        ),
        ("largest piece of a station, smallest and mean", _pieces, AIMS["largest"]),
        ("stations of a plausible section", lambda report: _count(report, "section_plausible"), "all"),
        ("stations alike on both sides", lambda report: _count(report, "sides_alike"), "all"),
        ("nodes per series", _nodes, ""),
        ("station Dice of two repeats, smallest and mean", _dice, ""),
        ("nodes shared by two repeats", _shared, ""),
    ]


def _answered(report: Report) -> list[Mapping[str, Any]]:
    return [each for each in report["series"] if "refused" not in each]


def _share(report: Report, name: str) -> str:
    right, of = (sum(each[name][key] for each in _answered(report)) for key in ("right", "of"))
    return f"{right}/{of} ({right / of:.0%})" if of else "none"


def _of_kind(report: Report, kind: str) -> str:
    tallies = [each["by_station"][kind] for each in _answered(report) if kind in each["by_station"]]
    return f"{sum(each['right'] for each in tallies)}/{sum(each['of'] for each in tallies)}"


def _stations(report: Report) -> list[Mapping[str, Any]]:
    return [station for each in _answered(report) for station in each["stations"]]


def _pieces(report: Report) -> str:
    shares = [station["largest_piece"] for station in _stations(report)]
    return f"{min(shares):.2f}, {mean(shares):.2f}" if shares else "none"


def _count(report: Report, name: str) -> str:
    told = [station[name] for station in _stations(report)]
    return f"{sum(told)}/{len(told)}"


def _nodes(report: Report) -> str:
    return ", ".join(str(len(each["nodes"])) for each in _answered(report))


def _dice(report: Report) -> str:
    values = [dice for each in report["repeats"].values() for dice in each["station_dice"].values()]
    return f"{min(values):.2f}, {mean(values):.2f}" if values else "no repeats"


def _shared(report: Report) -> str:
    return "; ".join(
        f"{each['same_nodes']} of {each['nodes'][0]} and {each['nodes'][1]}" for each in report["repeats"].values()
    )


def _series_table(report: Report) -> list[str]:
    lines = [
        "| series | inside | organs free | station | ml right, left | cm² right, left | largest piece right, left |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in report["series"]:
        if "refused" in each:
            lines.append(f"| {each['series']} | refused: {', '.join(each['refused'])} | | | | | |")
            continue
        for right, left in zip(each["stations"][::2], each["stations"][1::2], strict=True):
            pair = (right, left)
            cells = [
                each["series"],
                _tally(each["inside"]),
                _tally(each["organs_free"]),
                right["station"].replace("_", " "),
            ]
            cells += [_both(pair, name) for name in ("volume_ml", "section_cm2", "largest_piece")]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _tally(tally: Mapping[str, int]) -> str:
    return f"{tally['right']}/{tally['of']}"


def _both(pair: Sequence[Mapping[str, Any]], name: str) -> str:
    return ", ".join(str(each[name]) for each in pair)


def _repeats(report: Report) -> list[str]:
    return [
        f"Repeats {names}: Dice "
        + ", ".join(f"{name.replace('_', ' ')} {dice}" for name, dice in each["station_dice"].items())
        + "."
        for names, each in report["repeats"].items()
    ]
