"""The console's page of policies: who decides by each, and what would happen if somebody asked at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId
from bot.errors import Invalid, NotFound
from bot.people.rights import Caller
from bot.queries.explain import Desk, explain, moment_of, places_of
from bot.queries.explain_words import explained, policies_listed
from bot.web.console.pages import page
from bot.web.console.visits import caller_of, visit_of
from bot.web.here import Here, here
from channels import Line
from language import say

_FIELDS = ("policy", "at", "person", "env")
# Longer than any name, and than any moment that is one.
_FIELD_CHARS = 80


@dataclass(slots=True)
class Answer:
    """What the page says below its form: lines that have one label stand together. `wrong` is by the form's fields."""

    title: str = ""
    lines: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    wrong: dict[str, str] = field(default_factory=dict[str, str])


async def shown(request: Request) -> Response:
    """Every policy, and a form; with what it asks, the answer. Nothing is opened."""
    process, me = here(request), visit_of(request).person
    caller, rights, people = caller_of(request), process.app.access.rights, process.app.people
    given = {name: request.query_params.get(name, "").strip()[:_FIELD_CHARS] for name in _FIELDS}
    given["person"] = given["person"] or me
    await process.app.guard.check_asking(caller, PersonId(given["person"]))
    for name in people.tables.policies:
        await people.look_up_policy(name)
    data: dict[str, object] = {
        "policies": list(policies_listed(people, process.app.store.about_now())),
        "environments": _environments(process),
        "people": [(one, people.name_of(one)) for one in people.all()],
        "asks_for_all": rights.asking_denial(caller) is None,
        "given": given,
        "answer": await _answer(process, caller, given) if given["policy"] else Answer(),
    }
    return await page(request, "policies.html", data)


async def _answer(process: Here, caller: Caller, given: dict[str, str]) -> Answer:
    """Return what would happen, or what is wrong with the form."""
    app, answer = process.app, Answer()
    if given["policy"] not in app.people.tables.policies:
        answer.wrong["policy"] = f"{say('explain.no-policy', policy=given['policy'])}."
    if given["env"] and given["env"] not in _environments(process):
        answer.wrong["env"] = say("explain.no-environment", name=given["env"])
    try:
        person = app.people.named(given["person"])
    except NotFound as error:
        answer.wrong["person"] = f"{error}."
        return answer
    try:
        at = moment_of(app.people, person, given["at"], app.store.about_now())
    except Invalid as error:
        answer.wrong["at"] = f"{error}."
        return answer
    if not answer.wrong:
        desk = Desk(app.requests.freezes, app.requests.decisions.delegation, app.requests.standing)
        places = places_of(app.settings)
        found = await explain(app.people, desk, places, given["policy"], person, at, given["env"])
        answer.title, lines = explained(found.shown_to(caller), app.people)
        answer.lines = _together(lines)
    return answer


def _environments(process: Here) -> list[str]:
    """Return the environments that the settings know: those of deploys, and those that windows freeze."""
    frozen = (name for window in process.app.people.tables.windows for name in window.environments)
    return list(dict.fromkeys([*process.app.settings.deploy.environments, *frozen]))


def _together(lines: Sequence[Line]) -> list[tuple[str, list[str]]]:
    return [(label, [one.text for one in some]) for label, some in groupby(lines, key=lambda one: one.label)]
