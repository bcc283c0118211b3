"""What Prometheus reads: counted from the ledger when it asks, so that a restart loses no count.

Labels are states and the names of destinations; nothing of a study becomes one.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.ledger.ledger import Ledger
from gateway.overview import status


class LedgerCollector(Collector):
    """Turns the overview of the ledger into metrics."""

    def __init__(self, ledger: Ledger, free_bytes: Callable[[], int], fault: Callable[[], str | None]) -> None:
        self._ledger, self._free_bytes, self._fault = ledger, free_bytes, fault

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        found = status(self._ledger)
        studies = GaugeMetricFamily("sidewall_gateway_studies", "Studies in a state.", labels=["state"])
        oldest = GaugeMetricFamily(
            "sidewall_gateway_oldest_study_seconds", "For how long the oldest study is in a state.", labels=["state"]
        )
        for state, each in found["studies"].items():
            studies.add_metric([state], each["count"])
            oldest.add_metric([state], each["oldest_s"])
        labels = ["destination", "state"]
        objects = GaugeMetricFamily(
            "sidewall_gateway_deliveries", "Objects for a destination in a state.", labels=labels
        )
        waiting = GaugeMetricFamily(
            "sidewall_gateway_oldest_delivery_seconds",
            "For how long the oldest object is to be delivered.",
            labels=labels,
        )
        for to, states in found["deliveries"].items():
            for state, each in states.items():
                objects.add_metric([to, state], each["count"])
                waiting.add_metric([to, state], each["oldest_s"])
        held = GaugeMetricFamily("sidewall_gateway_spool_bytes", "Bytes of instances in the spool.", labels=["role"])
        for role, each in found["instances"].items():
            held.add_metric([role], each["bytes"])
        yield from (studies, oldest, objects, waiting, held)
        yield GaugeMetricFamily("sidewall_gateway_free_bytes", "Free disk of the spool.", value=self._free_bytes())
        takes = float(self._fault() is None)
        yield GaugeMetricFamily("sidewall_gateway_takes_instances", "1 while instances are taken.", value=takes)
        seq = found["history"]["seq"]
        yield GaugeMetricFamily("sidewall_gateway_history_entries", "Entries in the chain of changes.", value=seq)


def page(collector: LedgerCollector) -> bytes:
    """Return the page in the text form of Prometheus."""
    registry = CollectorRegistry()
    registry.register(collector)
    content: bytes = generate_latest(registry)
    return content
