"""The table of `sayso evals`: a row for each agent and version of its prompt, and each case that failed. Pure."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.evals.running import Plan, Tried

NOT_RUN = "not run"
_HEAD = ("agent", "chosen by", "cases", "passed", "rate", "cost", "tokens", "p50", "failed by")
_LEFT = 2


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one agent and whoever chose its steps. `cost_usd` is None when a price is not known.

    `seconds` are those of all calls together, `kinds` says how often cases failed in which way.
    """

    agent: str
    chosen_by: str
    cases: int
    passed: int
    cost_usd: float | None
    tokens: int
    p50_s: float
    input_tokens: int
    output_tokens: int
    seconds: float
    kinds: Mapping[str, int]

    @property
    def rate(self) -> float:
        """The share of cases that passed, 0 to 1."""
        return self.passed / self.cases


def rows_of(tried: Iterable[Tried]) -> list[Row]:
    """The figures, in the order in which agents and prompts first come."""
    groups: dict[tuple[str, str], list[Tried]] = {}
    for one in tried:
        groups.setdefault((one.plan.agent.name, one.chosen_by), []).append(one)
    return [_row(agent, chosen_by, ones) for (agent, chosen_by), ones in groups.items()]


def _row(agent: str, chosen_by: str, tried: Sequence[Tried]) -> Row:
    calls = [call for one in tried for call in one.calls]
    costs = [call.cost_usd for call in calls]
    known = [cost for cost in costs if cost is not None]
    return Row(
        agent=agent,
        chosen_by=chosen_by,
        cases=len(tried),
        passed=sum(one.has_passed for one in tried),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        p50_s=statistics.median(call.latency_s for call in calls),
        input_tokens=sum(call.input_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        seconds=round(sum(call.latency_s for call in calls), 3),
        kinds=dict(Counter(one.kind for one in tried if not one.has_passed).most_common()),
    )


def table(rows: Sequence[Row]) -> str:
    """Rows below their heads, columns as wide as what stands in them."""
    return _laid([_HEAD, *map(_cells, rows)])


def not_run(plans: Iterable[Plan], chosen_by: dict[str, str]) -> str:
    """The same table where no model was asked; `chosen_by` says by agent which prompt and model would have been."""
    counts: dict[str, int] = {}
    for plan in plans:
        if plan.agent.name in chosen_by:
            counts[plan.agent.name] = counts.get(plan.agent.name, 0) + 1
    empty = ("", "", "", "", "")
    return _laid([_HEAD, *((name, chosen_by[name], str(count), NOT_RUN, *empty) for name, count in counts.items())])


def failures(tried: Iterable[Tried]) -> str:
    """Each case that failed: where it stands, what was wanted, and what came."""
    failed = [one for one in tried if not one.has_passed]
    return "\n".join(
        f"failed ({one.by})  {one.plan.agent.name}: {one.plan.case.name}  [{one.plan.file}]\n"
        f"  expected  {one.expected}\n"
        f"  came      {one.came}"
        for one in failed
    )


def _cells(row: Row) -> tuple[str, ...]:
    cost = "unknown" if row.cost_usd is None else f"${row.cost_usd:.4f}"
    rate = f"{_floor(row.rate * 100):.1f} %"
    numbers = (str(row.cases), str(row.passed), rate, cost, str(row.tokens), f"{row.p50_s * 1000:.1f} ms")
    kinds = ", ".join(f"{kind} {count}" for kind, count in row.kinds.items())
    return (row.agent, row.chosen_by, *numbers, kinds)


def _floor(percent: float) -> float:
    """Round down, so that nothing reaches a bar by rounding."""
    return int(percent * 10) / 10


def _laid(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < _LEFT or column == len(_HEAD) - 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
