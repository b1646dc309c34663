"""Figures for Prometheus: what this process measured, and what the store counts for all of them."""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from agents.model import usage
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
            counts, use = await store.lists.counts(), await store.lists.model_use()
        except StoreError:
            counts, use = None, Counter[str]()
        self._counted.counts, self._counted.model_use = counts, use
        return generate_latest(self._registry)


class _Counted(Collector):
    """The figures that the scripts count, whichever process caused them."""

    def __init__(self) -> None:
        self.counts: tuple[int, int, dict[str, int]] | None = None
        self.model_use = Counter[str]()

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
        yield from _of_models(self.model_use)


def _of_models(use: Counter[str]) -> Iterator[Metric]:
    calls = CounterMetricFamily("sayso_model_calls", "Calls of models, by what came of them.", labels=("outcome",))
    tokens = CounterMetricFamily("sayso_model_tokens", "Tokens that models were paid for, each once.", labels=("type",))
    for family, begins in ((calls, usage.CALLS), (tokens, usage.TOKENS)):
        for name in sorted(name for name in use if name.startswith(begins)):
            family.add_metric([name.removeprefix(begins)], use[name])
        yield family
    yield CounterMetricFamily(
        "sayso_model_cost_dollars",
        "US dollars for calls with a known price.",
        value=use[usage.MICRODOLLARS] / 1_000_000,
    )
    yield CounterMetricFamily(
        "sayso_model_unpriced_calls", "Calls whose price is not known.", value=use[usage.UNPRICED]
    )
    within = accumulate(use[f"{usage.WITHIN}{place}"] for place in range(len(usage.SECONDS) + 1))
    yield HistogramMetricFamily(
        "sayso_model_call_seconds",
        "Time that calls of models took, failed ones too.",
        buckets=list(zip([*map(str, usage.SECONDS), "+Inf"], within, strict=True)),
        sum_value=use[usage.MILLISECONDS] / 1_000,
    )
