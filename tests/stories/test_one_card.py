"""One request in every channel: the same parts in the same order, within what each channel can carry."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.requests import Fact, Request
from agents.requests.record import RequestRecord
from bot.cli.show import request_text
from bot.render.cards import request_card
from bot.render.request_card import standing
from bot.render.views import RequestView, request_view
from channels import Address, Card
from channels.email import mime
from channels.email.format.body import read_body
from channels.slack import cards as slack
from channels.slack.modals import details_page
from tests.agents.worlds import NOON
from tests.bot.examples import BO, CALL, PEOPLE, approval
from tests.bot.queries.test_overview import looks
from tests.channels.email.mails import BOT, TOKEN
from tests.fakes.slack.limits.blocks import message_mistakes
from tests.kit.acts import vote
from tests.kit.long import examples
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import serving

TO = Address(channel="email", person=BO, to="bo@corp.example", thread="run-7")
# How each part begins, in the order in which people read; what follows it is anything. In a mail facts stand above the
# words of others, so that they come on a phone's first screen.
PARTS = ["Titleword", "Saidword", "Factword", "Cy Cole"]
IN_MAIL = ["Titleword", "Factword", "Saidword", "Cy Cole"]
ANYTHING = st.text(max_size=60) | st.text("klm <>&*_`:/.\n", max_size=3_000)


def asked(title: str, said: str, fact: str) -> Request:
    effect = CALL.effect.model_copy(update={"facts": (Fact(label="Changes", text=f"Factword {fact}"),)})
    call = CALL.model_copy(update={"effect": effect})
    return approval(title=f"Titleword {title}?", words=f"Saidword {said}", words_are_own=True, call=call)


def card_for_bo(request: Request) -> Card:
    card = request_card(RequestRecord(request=request), PEOPLE, NOON)
    assert card.form
    return card.model_copy(update={"form": card.form.model_copy(update={"token": TOKEN, "acts": vote()})})


def in_order(text: str) -> list[str]:
    """The parts that stand in `text`, as they follow each other there for the first time."""
    return sorted((part for part in PARTS if part in text), key=text.index)


@given(st.builds(asked, ANYTHING, ANYTHING, ANYTHING))
@example(asked("", "", "\n0\n0\n0"))
@settings(max_examples=examples(100), deadline=None)
def test_a_request_reads_in_one_order_in_slack_in_a_mail_and_in_a_terminal(request: Request) -> None:
    card = card_for_bo(request)

    message = slack.message(card, "d1")
    body = read_body(mime.compose(card, TO, "d1", own=BOT, timezone="UTC").raw)
    typed = request_text(request_view(RequestRecord(request=request), PEOPLE), PEOPLE)

    blocks, window = (json.dumps(found, ensure_ascii=False) for found in (message.blocks, details_page(card, {}, 1)))
    assert message_mistakes(list(message.blocks)) == []
    assert len((body.html or "").encode()) < 40_000
    assert not any(char in typed for char in "\x1b\x07\r\u202e")
    assert in_order(blocks) == PARTS[:-1], "the rest is behind More…"
    assert blocks.index("Factword") < blocks.index('"Approve"') < blocks.index('"More…"')
    assert in_order(window) in (PARTS, PARTS[:-1]), "it may have several pages"
    plain = (body.plain or "").partition("\n\n")[2]  # the first line says all of it in one, for a phone's list
    assert in_order(plain) == IN_MAIL
    assert plain.index("Cy Cole") < plain.index("\n\nDetails\n") < plain.index(request.digest)
    assert in_order(typed) == PARTS
    assert typed.index("Cy Cole") < typed.index("exactly") < typed.index(request.digest)


async def test_the_page_in_the_console_has_the_same_order(world: World) -> None:
    record = await world.opened(await world.trigger("press the big bell"))
    async with a_console(world) as console:
        words = (await (await console.browser("bo")).get(f"/requests/{record.request.id}")).words

    parts = ["Press the big bell?", "Anna Ames asks.", "What Anna Ames wrote:", "press the big bell"]
    parts += ["Who decides", "Expires", "Approve", "Details", "Exactly this", record.request.digest]
    assert sorted(parts, key=words.index) == parts


async def test_wherever_a_request_of_a_paused_run_stands_a_yes_starts_nothing_before_somebody_resumes_it(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")

    drawn = standing(await world.request(record.request.id), None, world.people, NOON, 1, BO)
    window = await looks(world, record, "bo")
    async with serving(world.app) as api:
        bo = await api.client("bo")
        alone = (await bo.get(f"/v1/requests/{record.request.id}")).json()
        [listed] = (await bo.get("/v1/requests?state=open")).json()["requests"]

    terminal = request_text(RequestView.model_validate(alone), world.people)
    said = "nothing starts until the run goes on: somebody has paused it"
    assert [card.on_yes and card.on_yes.text for card in (drawn, window)] == [said, said]
    assert [alone["if_approved"], listed["if_approved"]] == [said, said]
    assert f"if approved, {said}" in terminal
