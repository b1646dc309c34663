"""Figures for Prometheus: what this process measured, and what the store counts for all of them."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.store import Store, StoreError

MEDIA_TYPE = CONTENT_TYPE_LATEST
_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one web process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counted = _Counted()
        self._registry.register(self._counted)
        self.latency = Histogram(
            "sayso_http_request_seconds",
            "Time until an answer began, by operation; streams and long polls have operations of their own.",
            ("operation", "status"),
            registry=self._registry,
            buckets=_BUCKETS_S,
        )
        self.streams = Gauge(
            "sayso_http_streams", "Event streams and long polls that are open.", registry=self._registry
        )

    async def text(self, store: Store) -> bytes:
        """Everything, in Prometheus's text format; without the store's part while Redis is away."""
        try:
            self._counted.counts = await store.lists.counts()
        except StoreError:
            self._counted.counts = None
        return generate_latest(self._registry)


class _Counted(Collector):
    """The figures that the scripts count, whichever process caused them."""

    def __init__(self) -> None:
        self.counts: tuple[int, int, dict[str, int]] | None = None

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("sayso_redis_up", "Whether Redis answers.", value=0 if self.counts is None else 1)
        if self.counts is None:
            return
        runs, still_open, answers = self.counts
        yield CounterMetricFamily("sayso_runs_started", "Runs that were started, by whatever way.", value=runs)
        yield GaugeMetricFamily("sayso_requests_open", "Requests that wait for people.", value=still_open)
        by_outcome = CounterMetricFamily("sayso_answers", "Answers, by what became of them.", labels=("outcome",))
        for outcome, count in sorted(answers.items()):
            by_outcome.add_metric([outcome], count)
        yield by_outcome
