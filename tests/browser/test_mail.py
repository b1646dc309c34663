"""A mail on a phone: whatever it asks, what is asked and how to answer are on the first screen."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest
from playwright.sync_api import Browser, Locator, Page

from agents.forms import FormField
from agents.requests import AuthoredLine, Fact, FullList, PolicyStep, Request, Risk
from agents.requests.asked import asked_at_first
from agents.requests.record import RequestRecord
from bot.people.recognition import as_told_now
from bot.policy.judgements import Unclear
from bot.render.cards import asked_again, request_card
from bot.render.request_card import offered_form, with_approvals
from channels import Card
from channels.email import mime
from channels.email.format.body import read_body
from language import LANGUAGES, Language, speaking
from tests.bot.examples import BO, CALL, NOON, PEOPLE, anyone, approval, policy, question, record, vote
from tests.browser.visitor import PHONE
from tests.channels.email.mails import BOT
from tests.channels.email.test_cards import PAGE, TO, TOKEN

pytestmark = pytest.mark.long

NEW, OLD = "c0ffee" + "1" * 34, "decade" + "2" * 34
COMMITS = [f"{at:07x} Teach the checkout to round the sums of orders with number {at} up" for at in range(60)]


def deploy(*facts: tuple[str, str], risks: tuple[str, ...] = (), **changes: object) -> Request:
    """A deploy with what was looked up for it; lists are kept beside it."""
    ends = (("From", f"{OLD} (v1.0.0)"), ("To", f"{NEW} (v1.2.0)"))
    told = tuple(Fact(label=label, text=text, full=full(text)) for label, text in (*ends, *facts))
    effect = CALL.effect.model_copy(
        update={"facts": told, "risks": tuple(Risk(kind="any", words=each) for each in risks)}
    )
    call = CALL.model_copy(update={"effect": effect, "editable": ("version",)})
    return approval(call=call, words="Please bring v1.2.0 to production before the sale begins", **changes)


def full(text: str) -> FullList | None:
    return FullList(lines=60, size_bytes=4_000, sha256="a" * 64) if "more" in text else None


def cards() -> Iterator[tuple[str, Card]]:
    """Each kind of card, as Bo gets it."""
    changes = ("Changes", "2 commits, newest first:\n0c0ffee Fix the opening hours\n0decade Say hello")
    notes = ("Release notes", "the message of the tag, in the words of whoever made it:\nNew hours\nA shorter log-in")
    small = deploy(changes, notes, ("Files", "4 files"))
    yield "deploy", of(small)
    risks = (
        *("60 commits at once", "12 migrations: 0042_drop_orders.sql (DROP TABLE orders_2019), 0043_drop_old.sql"),
        *("CI failed", "deploy.sh is another one", "the list of changes is not whole", "migrations could not be read"),
    )
    many = deploy(
        ("CI", "failed: unit, browser, lint and 4 more"),
        ("Changes", "60 commits, newest first:\n" + "\n".join(COMMITS[:20]) + "\n… and 40 more"),
        ("Migrations", "12: " + ", ".join(f"db/migrations/00{at}_orders.sql" for at in range(42, 54))),
        risks=risks,
    )
    yield "60 commits", of(many)
    back = deploy(("Takes back", "\n".join(COMMITS[:12])), risks=("rollback by 12 commits",))
    yield "rollback", of(back.model_copy(update={"title": "Roll production back to v1.0.0, taking back v1.2.0?"}))
    mine = {"policy": policy(name="question", rule=anyone("bo"))}
    asked = "Which of the two regions goes first, and may it be done while the shops are open?\n" * 12
    yield "free text", of(question().model_copy(update={"title": "Which region?", "quoted": asked, **mine}))
    options = tuple(f"{place}, with all of its shops" for place in ("Hamburg", "Bremen", "Kiel", "Rostock", "Trier"))
    yield "choice", of(question("choice", options).model_copy(update=mine))
    eight = tuple(f"{number} o'clock in the morning, while all of the shops are closed" for number in range(1, 9))
    yield "choice of eight", of(question("choice", eight).model_copy(update=mine))
    yield "several", of(question("choices", tuple(f"volume {at}" for at in range(60))).model_copy(update=mine))
    fields = (FormField(name="right", label="Was it right?", kind="yes_no"), FormField(name="reason", label="Why?"))
    about = 'Bo Berg used the emergency override of s0q-aaaaaaaaaaaaa: "the shop is down, and nobody answers". Was it?'
    review = question("form", fields=fields).model_copy(update={"purpose": "review", "quoted": about, **mine})
    yield "review of a broken glass", of(review)
    change = AuthoredLine(text='Cy Cole changed version from "v1.1.0" to "v1.2.0"', by=())
    edited = {"revision": 2, "changes": (change,), "moved": {"v1.2.0": "ab" * 20}}
    yield "edited", of(small.model_copy(update=edited))
    again = asked_again(record(many), Unclear(), PEOPLE, NOON)
    yield "asked again", mailed(record(many), again)
    pair = {"policy": policy(quorum=2, rule=anyone("bo", "cy", "dan"))}
    yield "quorum", of(small.model_copy(update=pair), votes=(vote(),))
    steps = tuple(PolicyStep(name=name, rule=anyone(*who)) for name, who in (("lead", ("bo",)), ("sales", ("cy",))))
    stepped = policy(steps=steps, rule=steps[0].rule)
    yield "steps", of(small.model_copy(update={"policy": stepped}), asked=asked_at_first(stepped))
    yield "only the page approves", of(many.model_copy(update={"policy": policy(approve_by_email=False)}))


def of(request: Request, **changes: object) -> Card:
    """The card of a request that stands so."""
    stands = as_told_now(record(request).model_copy(update=changes), PEOPLE)
    return mailed(stands, request_card(stands, PEOPLE, NOON, BO))


def mailed(stands: RequestRecord, card: Card) -> Card:
    """`card` as it goes to Bo by mail."""
    form = card.form and offered_form(card.form, stands, PEOPLE, "email", NOON, BO, keeps=True)
    facts = tuple(fact.model_copy(update={"whole": "\n".join(COMMITS)}) if fact.lines else fact for fact in card.facts)
    form = form and form.model_copy(update={"token": TOKEN})
    found = card.model_copy(update={"form": form, "facts": facts, "link": PAGE})
    return with_approvals(found, stands, PEOPLE)


KINDS: Mapping[str, Card] = MappingProxyType(dict(cards()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_buttons_of_each_mail_are_on_the_first_screen_of_a_phone(
    browser: Browser, kind: str, language: Language
) -> None:
    with speaking(language):
        card = dict(cards())[kind]
        page = shown(browser, card)
    buttons = page.locator("a[href^='mailto:']").all() or page.locator("a").all()[:1]

    assert buttons
    assert [(one.inner_text(), ends_at(one)) for one in buttons if ends_at(one) > PHONE["height"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.close()


def shown(browser: Browser, card: Card) -> Page:
    """The mail of `card` on a phone."""
    html = read_body(mime.compose(card, TO, "d1", own=BOT, timezone="Europe/Berlin").raw).html
    page = browser.new_page(viewport=PHONE)
    page.set_content(html or "")
    return page


def ends_at(part: Locator) -> float:
    """How far below the top of the mail `part` ends, in px."""
    box = part.bounding_box()
    assert box
    return box["y"] + box["height"]
