"""What one rater says of sides, stations and nodes beside the reference, as the sections on them take it."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analytics.accuracy.node_pairs import MatchedCase, matched_cases, node_units
from analytics.accuracy.regions import region_rows
from analytics.accuracy.units import Units, units_at
from analytics.report.frame import truth_and_call
from analytics.study.data import StudyData
from analytics.study.rater_nodes import CENTRE, RaterNodes

LEVELS: Final = ("Side", "Station", "Node")
NOT_FOUND: Final = (
    "A reference node that is not found counts as called negative; a positive node that the reference does not have "
    "counts as a false positive."
)


@dataclass(frozen=True)
class LevelData:
    """One rater's nodes against those of the reference, of the patients whom both judged."""

    rater: str
    reference: RaterNodes
    nodes: RaterNodes
    patients: tuple[str, ...]
    stations: tuple[str, ...]
    cases: tuple[MatchedCase, ...]
    """In the order of `patients`."""

    matching: str
    """In words, what makes two nodes one."""

    rows: pd.DataFrame
    """One row per patient, side and station, as `region_rows` makes them."""

    @property
    def left_out(self) -> frozenset[tuple[str, str, str]]:
        """Patient, side and station of what reference or rater could not see."""
        return self.reference.not_assessed | self.nodes.not_assessed

    @property
    def unplaced(self) -> int:
        """Positive nodes without side or station."""
        both = [_positive(each) for each in (self.reference, self.nodes)]
        return sum(int(nodes[["side", "station"]].isna().any(axis=1).sum()) for nodes in both)

    def units(self) -> dict[str, Units]:
        """Return the units by side, by station, of each single station, and by node."""
        found = {"Side": units_at("side", self.rows), "Station": units_at("station", self.rows)}
        found |= {station: units_at("station", self.rows[self.rows["station"] == station]) for station in self.stations}
        return {**found, "Node": node_units(self.cases)}


def level_data(data: StudyData, reference: str, rater: str) -> LevelData | None:
    """Return a rater's nodes against the reference's; None where no patient is judged by both."""
    patients = tuple(map(str, truth_and_call(data, reference, rater).index))
    if not patients:
        return None
    true, found = data.nodes[reference], data.nodes[rater]
    limit = data.study.analysis.match_mm
    by_centre = all(bool(each.table[list(CENTRE)].notna().any(axis=None)) for each in (true, found))
    how = (
        f"Two nodes are one where their centres lie at most {limit:g} mm apart, the nearest pair first."
        if by_centre
        else "Two nodes are one where side and station are the same, those of the most similar short axis first."
    )
    stations = tuple(dict.fromkeys(station for _, station in data.study.regions))
    placed = [placed_positive(each) for each in (true, found)]
    return LevelData(
        rater,
        true,
        found,
        patients,
        stations,
        tuple(matched_cases(patients, true.table, found.table, limit, by_centre)),
        how,
        region_rows(patients, stations, placed, true.not_assessed | found.not_assessed),
    )


def placed_positive(nodes: RaterNodes) -> pd.DataFrame:
    """Return the positive nodes whose side and station are known."""
    return _positive(nodes).dropna(subset=["side", "station"])


def _positive(nodes: RaterNodes) -> pd.DataFrame:
    return nodes.table[nodes.table["status"] == "positive"]
