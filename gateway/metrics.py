"""What Prometheus reads: states counted from the ledger when it asks, so that a restart loses none; what came in since.

Labels are states and the names of destinations; nothing of a study becomes one.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from base.certificates import Role, Validity
from base.metrics import CertificateCollector, metrics_page
from gateway.intake.counting import Counts
from gateway.ledger.ledger import Ledger
from gateway.overview import status


class LedgerCollector(Collector):
    """Turns the overview of the ledger into metrics."""

    def __init__(
        self,
        ledger: Ledger,
        counts: Counts,
        free_bytes: Callable[[], int],
        min_free_bytes: int,
        fault: Callable[[], str | None],
        validity: Callable[[], Mapping[Role, Validity]],
    ) -> None:
        self._ledger, self._counts, self._fault = ledger, counts, fault
        self._certificates = CertificateCollector(validity)
        self._free_bytes, self._min_free_bytes = free_bytes, min_free_bytes

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
        yield GaugeMetricFamily(
            "sidewall_gateway_min_free_bytes", "Free disk below which nothing is taken.", value=self._min_free_bytes
        )
        takes = float(self._fault() is None)
        yield GaugeMetricFamily("sidewall_gateway_takes_instances", "1 while instances are taken.", value=takes)
        seq = found["history"]["seq"]
        yield GaugeMetricFamily("sidewall_gateway_history_entries", "Entries in the chain of changes.", value=seq)
        yield from self._came_in()
        yield from self._certificates.collect()

    def _came_in(self) -> Iterator[Metric]:
        came = CounterMetricFamily("sidewall_gateway_instances", "Instances that came.", labels=["outcome"])
        for outcome, count in self._counts.instances().items():
            came.add_metric([outcome], count)
        rejected = CounterMetricFamily(
            "sidewall_gateway_associations_rejected", "Associations that were rejected.", labels=["reason"]
        )
        for reason, count in self._counts.rejections().items():
            rejected.add_metric([reason], count)
        yield from (came, rejected)


def page(collector: LedgerCollector) -> bytes:
    """Return the page in the text form of Prometheus."""
    return metrics_page(ProcessCollector(registry=None), collector)
