"""The nodes of one rater as analyses take them."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

CENTRE: Final = ("x_mm", "y_mm", "z_mm")
"""Centre of a node, in the patient's LPS frame."""

NODE_COLUMNS: Final = ("patient", "side", "station", "status", "short_axis_mm", "probability", *CENTRE)


@dataclass(frozen=True)
class RaterNodes:
    """Every node that a rater names."""

    table: pd.DataFrame
    """One row per node, the columns of NODE_COLUMNS; missing where the rater does not say."""

    not_assessed: frozenset[tuple[str, str, str]] = frozenset()
    """Patient, side and station of what the rater says it could not see."""
