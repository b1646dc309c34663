"""The results of all cases: as text, as data, and the rows that are below a bar. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from bot.evals.running import Plan, Tried
from bot.evals.table import NOT_RUN, Row, failures, not_run, rows_of, table


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was tried. `by_models` is None without a key.

    `labels` name prompt and model by agent; `skipped` are `(agent, cases, file)` whose agent is not there. `floors` are
    the shares of cases that the model of an agent must pass, whatever is asked of the others.
    """

    plans: Sequence[Plan]
    by_rules: Sequence[Tried]
    by_models: Sequence[Tried] | None
    labels: dict[str, str]
    skipped: Sequence[tuple[str, int, str]] = ()
    floors: Mapping[str, float] = field(default_factory=dict[str, float])

    def below(self, bar: float, model_bar: float | None = None) -> list[Row]:
        """The rows in which fewer cases passed than the bar wants: one agent can't hide behind another.

        Without a `model_bar` that of a model is the floor of its agent, or `bar` where that has none.
        """
        low = [row for row in rows_of(self.by_rules) if row.rate < bar]
        rows = rows_of(self.by_models or ())
        bars = {row.agent: self.floors.get(row.agent, bar) if model_bar is None else model_bar for row in rows}
        return low + [row for row in rows if row.rate < bars[row.agent]]

    def text(self) -> str:
        """Both tables, the cases that failed, and what was skipped."""
        models = not_run(self.plans, self.labels) if self.by_models is None else table(rows_of(self.by_models))
        failed = failures((*self.by_rules, *(self.by_models or ())))
        why = f"model: {NOT_RUN}, as there is no model key" if self.by_models is None else "model"
        skipped = [f"skipped  {agent}: {cases} cases of {file}; {_WHY}" for agent, cases, file in self.skipped]
        parts = (f"fallback\n{table(rows_of(self.by_rules))}", f"{why}\n{models}", failed, "\n".join(skipped))
        return "\n\n".join(part for part in parts if part)

    def data(self) -> dict[str, object]:
        """The same as JSON: rates are 0 to 1, costs US dollars, latencies seconds."""
        tried = (*self.by_rules, *(self.by_models or ()))
        return {
            "fallback": [_row(row) for row in rows_of(self.by_rules)],
            "model": NOT_RUN
            if self.by_models is None
            else [_row(row) | {"floor": self.floors.get(row.agent)} for row in rows_of(self.by_models)],
            "failed": [_failed(one) for one in tried if not one.has_passed],
            "skipped": [{"agent": agent, "cases": cases, "file": file} for agent, cases, file in self.skipped],
        }


_WHY = "this release has no such agent"


def _row(row: Row) -> dict[str, object]:
    return {**asdict(row), "rate": row.rate}


def _failed(one: Tried) -> dict[str, object]:
    case = {"agent": one.plan.agent.name, "case": one.plan.case.name, "file": one.plan.file}
    return {
        **case,
        "by": one.by,
        "chosen_by": one.chosen_by,
        "kind": one.kind,
        "expected": one.expected,
        "came": one.came,
    }
