"""Whether an endpoint has any follow-up to speak of."""

import pandas as pd

from analytics.report.blocks import Text
from analytics.study.spec import Endpoint


def without_follow_up(endpoint: Endpoint, observed: pd.DataFrame) -> Text | None:
    """Return why nothing can be said of an endpoint, from its columns `time` and `event`; None where something can."""
    if observed.empty:
        return Text(f"{endpoint.label}: no patient has usable follow-up.")
    if not (observed["time"] > 0).any():
        return Text(f"{endpoint.label}: all follow-up times are 0, so that nothing can be said of what comes after.")
    return None
