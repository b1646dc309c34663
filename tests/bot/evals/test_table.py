"""The printed table: columns of one width, unknown costs, cases that failed, and which rows are below a bar."""

from inline_snapshot import snapshot

from agents.steps import ModelCall
from bot.evals.report import Report
from bot.evals.running import RULES, By, Plan, Tried
from tests.bot.evals.plans import case, plans

(PLAN,) = plans(case())
LABELS = {"deploy": "deploy@2 claude-sonnet-5-5"}


def tried(by: By = "fallback", came: str = "", plan: Plan = PLAN, cost_usd: float | None = 0.0) -> Tried:
    tokens = 0 if by == "fallback" else 1_500
    call = ModelCall(model="m", rehearsal=False, cost_usd=cost_usd, latency_s=0.25, input_tokens=tokens)
    chosen_by = RULES if by == "fallback" else LABELS["deploy"]
    return Tried(plan, by, chosen_by, (call,), "calls deploy" if came else "", came, "wrong_step" if came else "")


def test_without_a_key_the_models_column_says_that_it_was_not_run() -> None:
    report = Report([PLAN], [tried()], None, LABELS, [("desk", 10, "agents/evals/desk.toml")])

    assert report.text() == snapshot("""\
fallback
agent   chosen by  cases  passed     rate     cost  tokens       p50  failed by
deploy  rules          1       1  100.0 %  $0.0000       0  250.0 ms

model: not run, as there is no model key
agent   chosen by                   cases   passed  rate  cost  tokens  p50  failed by
deploy  deploy@2 claude-sonnet-5-5      1  not run

skipped  desk: 10 cases of agents/evals/desk.toml; this release has no such agent\
""")
    assert report.data()["model"] == "not run"


def test_the_bars_of_rules_and_models_are_apart_and_an_agent_can_not_hide_behind_another() -> None:
    asked = [tried("model"), tried("model", "asks What?", cost_usd=None)]
    report = Report([PLAN], [tried()] * 19 + [tried(came="x")], asked, LABELS)

    assert [row.chosen_by for row in report.below(0.95, 0.95)] == [LABELS["deploy"]]
    assert [row.chosen_by for row in report.below(0.96, 0.5)] == [RULES]
    assert report.below(0.95, 0.5) == []
    assert "unknown" in report.text()


def test_a_model_must_reach_the_floor_of_its_agent_unless_a_bar_is_named() -> None:
    asked = [tried("model")] * 9 + [tried("model", "asks What?")]
    high, low = (Report([PLAN], [tried()], asked, LABELS, floors={"deploy": floor}) for floor in (0.95, 0.9))

    assert [row.chosen_by for row in high.below(0.5)] == [LABELS["deploy"]]
    assert low.below(0.95) == []
    assert high.below(0.5, 0.5) == [], "whoever names a bar wants that one"
    assert high.data()["model"][0]["floor"] == 0.95  # type: ignore[index]
