"""The fleet as metrics: a file that Prometheus' node exporter reads on the office's machine (its textfile collector).

Labels are names of boxes and rings; nothing of a case is in an inventory.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fleet.channels.content import Holds
from fleet.inventory.overview import BoxRow


class FleetCollector(Collector):
    """Turns what the office sees into metrics."""

    def __init__(
        self, rows: Sequence[BoxRow], holds: Holds, current_until: datetime, now: datetime | None = None
    ) -> None:
        self._rows, self._holds, self._current_until = rows, holds, current_until
        self._now = now or datetime.now(UTC)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        boxes = GaugeMetricFamily("sidewall_fleet_boxes", "Boxes of a ring.", labels=["ring"])
        for ring, count in sorted(Counter(row.ring or "unknown" for row in self._rows).items()):
            boxes.add_metric([ring], count)
        troubles = GaugeMetricFamily("sidewall_fleet_box_troubles", "Troubles of a box.", labels=["box"])
        heard = GaugeMetricFamily(
            "sidewall_fleet_box_heard_timestamp_seconds", "Unix time of a box's last word, 0 without.", labels=["box"]
        )
        for row in self._rows:
            troubles.add_metric([row.box], len(row.troubles))
            heard.add_metric([row.box], 0 if row.status is None else row.status.written_at.timestamp())
        yield from (boxes, troubles, heard)
        halted = float(self._holds.halted is not None)
        yield GaugeMetricFamily("sidewall_fleet_halted", "1 while rollouts are halted.", value=halted)
        until = self._current_until.timestamp()
        yield GaugeMetricFamily(
            "sidewall_fleet_channel_current_until_timestamp_seconds", "Unix time at which boxes call it expired.", until
        )
        made = self._now.timestamp()
        yield GaugeMetricFamily("sidewall_fleet_survey_timestamp_seconds", "Unix time of this survey.", made)
