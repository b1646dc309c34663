"""Figures for Prometheus: what this process measured, and what the store counts for all of them."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from agents.model import usage
from agents.run import RunState
from bot.queries.figures import AGES, answers, called_within, decided_within, ended, lags_s, ready
from bot.store import Store, StoreError
from bot.store.lists import DECISION_MS, EXPIRED, GLASS_BROKEN, NOT_DELIVERED, UNCHANGED, Figures

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
        self._making, self._begun, self._text = asyncio.Lock(), 0, b""

    async def text(self, store: Store) -> bytes:
        """Everything, in Prometheus's text format; without the store's part while that can't be read, or is another.

        Who asks while it is made gets the next one, which all of them share.
        """
        begun = self._begun
        async with self._making:
            if self._begun == begun:
                self._begun += 1
                self._text = await self._made(store)
            return self._text

    async def _made(self, store: Store) -> bytes:
        try:
            found = await store.lists.figures()
            self._counted.figures = None if store.memory.trouble else found
        except StoreError:
            self._counted.figures = None
        return generate_latest(self._registry)


class _Counted(Collector):
    """The figures that the scripts count, whichever process caused them."""

    def __init__(self) -> None:
        self.figures: Figures | None = None

    def collect(self) -> Iterator[Metric]:
        found = self.figures
        told = "Whether Redis answers, and its store is what it was: /readyz says what is wrong."
        yield GaugeMetricFamily("sayso_redis_up", told, value=0 if found is None else 1)
        if found is None:
            return
        yield from _of_runs(found)
        yield from _of_requests(found)
        yield from _of_work(found)
        yield from _of_models(found.model_use)


def _of_runs(found: Figures) -> Iterator[Metric]:
    yield CounterMetricFamily("sayso_runs_started", "Runs that were started, by whatever way.", value=found.started)
    by_state: dict[str, float] = {state: found.runs[state] for state in get_args(RunState)}
    yield _labelled(GaugeMetricFamily, "sayso_runs", "Runs in the store, by state.", "state", by_state)
    told = "Runs that have ended, by how."
    yield _labelled(CounterMetricFamily, "sayso_runs_ended", told, "state", ended(found))
    told = "Runs that were to change something and ended without that, whatever was said of them."
    yield CounterMetricFamily("sayso_runs_unchanged", told, value=found.counts[UNCHANGED])


def _of_requests(found: Figures) -> Iterator[Metric]:
    still_open = sum(found.open_by_age)
    yield GaugeMetricFamily("sayso_requests_open", "Requests that wait for people.", value=still_open)
    by_age = dict(zip(AGES, found.open_by_age, strict=True))
    told = "Requests that wait for people, by how long they have."
    yield _labelled(GaugeMetricFamily, "sayso_requests_open_by_age", told, "age", by_age)
    told = "For how long the oldest open request has waited; 0 without one."
    yield GaugeMetricFamily("sayso_request_oldest_age_seconds", told, value=found.oldest_open_s)
    told = "Requests that nobody decided in time."
    yield CounterMetricFamily("sayso_requests_expired", told, value=found.counts[EXPIRED])
    told = "Requests that one person decided by breaking the glass."
    yield CounterMetricFamily("sayso_glass_broken", told, value=found.counts[GLASS_BROKEN])
    yield _labelled(CounterMetricFamily, "sayso_answers", "Answers, by what became of them.", "outcome", answers(found))
    yield HistogramMetricFamily(
        "sayso_decision_seconds",
        "Time from opening a request to the answer that decided it.",
        buckets=[*decided_within(found).items()],
        sum_value=found.counts[DECISION_MS] / 1_000,
    )


def _of_work(found: Figures) -> Iterator[Metric]:
    yield _labelled(GaugeMetricFamily, "sayso_queue_ready", "Work that a worker could take now.", "work", ready(found))
    told = (
        "For how long the oldest of that work waits; schedule: how late workers look after what is due; audit: facts."
    )
    yield _labelled(GaugeMetricFamily, "sayso_queue_lag_seconds", told, "work", lags_s(found))
    yield GaugeMetricFamily("sayso_outbox_waiting", "Messages that are still to be sent.", value=found.outbox)
    told = "Cards that a channel did not bring to their person, by channel."
    failures = found.named(NOT_DELIVERED)
    yield _labelled(CounterMetricFamily, "sayso_delivery_failures", told, "channel", failures)
    yield GaugeMetricFamily("sayso_dead_letters", "Work that was given up: see sayso dead.", value=found.dead)
    told = "Messages whose sender is not proved: see sayso dead."
    yield GaugeMetricFamily("sayso_quarantined_messages", told, value=found.quarantined)


def _labelled(
    family: type[CounterMetricFamily] | type[GaugeMetricFamily],
    name: str,
    told: str,
    label: str,
    values: Mapping[str, float],
) -> Metric:
    made = family(name, told, labels=(label,))
    for value, figure in sorted(values.items()):
        made.add_metric([value], figure)
    return made


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
    yield HistogramMetricFamily(
        "sayso_model_call_seconds",
        "Time that calls of models took, failed ones too.",
        buckets=[*called_within(use).items()],
        sum_value=use[usage.MILLISECONDS] / 1_000,
    )
