"""Metrics that several programs tell by the same names, so that the same alerts hold, and the page that tells them."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from base.certificates import Role, Validity


class CertificateCollector(Collector):
    """How long the TLS certificates in use count, asked for at every scrape; without TLS there are none."""

    def __init__(self, validity: Callable[[], Mapping[Role, Validity]] = dict) -> None:
        self.validity = validity

    def collect(self) -> Iterator[Metric]:
        """Yield the days left, and whether they count now."""
        labels = ["certificate"]
        left = GaugeMetricFamily(
            "sidewall_certificate_days_left", "Days to the end of the certificates in use.", labels=labels
        )
        valid = GaugeMetricFamily(
            "sidewall_certificate_valid", "1 while the certificates in use count, by their dates.", labels=labels
        )
        for role, found in self.validity().items():
            left.add_metric([role], found.days_left())
            valid.add_metric([role], float(found.problem() is None))
        yield from (left, valid)


def metrics_page(*collectors: Collector) -> bytes:
    """Return what collectors tell in the text form of Prometheus."""
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    content: bytes = generate_latest(registry)
    return content
