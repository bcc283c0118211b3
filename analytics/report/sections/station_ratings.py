"""What each rater with nodes calls each station: positive where any node in it is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.accuracy.regions import region_rows
from analytics.agreement.ratings import Ratings, ratings_of
from analytics.report.frame import STATUS_LEVELS
from analytics.report.sections.level_data import placed_positive
from analytics.study.data import StudyData


@dataclass(frozen=True)
class StationRatings:
    """Stations as units, six of each patient."""

    ratings: Ratings
    patients: npt.NDArray[np.object_]
    """(n,) patient of each unit."""


def station_ratings(data: StudyData) -> StationRatings | None:
    """Return the ratings of raters who name nodes; None with fewer than two.

    Missing are the stations of patients whom a rater did not judge, and what could not be seen.
    """
    raters = [rater.name for rater in data.study.raters if rater.name in data.nodes]
    if len(raters) < 2:
        return None
    stations = list(dict.fromkeys(station for _, station in data.study.regions))
    patients = [str(patient) for patient in data.patients.index]
    rows = region_rows(patients, stations, [placed_positive(data.nodes[name]) for name in raters], (), raters)
    keys = pd.MultiIndex.from_frame(rows[["patient", "side", "station"]])
    columns = {}
    for name in raters:
        judged = data.judgements[name]
        known = judged.index[judged["status"].isin(STATUS_LEVELS)] if "status" in judged else judged.index
        words = pd.Series(np.where(rows[name], "positive", "negative"), dtype=object)
        unseen = [key in data.nodes[name].not_assessed for key in keys]
        columns[name] = words.where(rows["patient"].isin(known) & ~np.array(unseen, dtype=np.bool_)).to_numpy()
    return StationRatings(ratings_of(columns, STATUS_LEVELS), rows["patient"].to_numpy(dtype=object))
