"""Which sentences are plain enough to act on, and which are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deploy.wish import Wish, is_wish, wish_of, word_of
from bot.config.templates import fill

PLACES = ("production", "staging")
WHOLE = Wish("v1.2.0", "production")


@pytest.mark.parametrize(
    "text",
    [
        "deploy v1.2.0 to production",
        "Deploy v1.2.0 to production.",
        "please deploy v1.2.0 to production",
        "deploy v1.2.0 to production please!",
        "Could you please release version v1.2.0 to the production?",
        "can you ship v1.2.0 to production",
        "I'd like to deploy v1.2.0 to production",
        "deploy `v1.2.0` to *production*",
        "<@U01SAYSO> deploy v1.2.0 to production",
        "@sayso: deploy v1.2.0 to production now",
        "sayso, deploy v1.2.0 to production",
        "Hi sayso,\n\nplease deploy v1.2.0 to production.\n\nThanks, Anna\n--\nAnna Ames",
        "please deploy v1.2.0 to production. Thanks!",
        "roll production back to v1.2.0",
        "roll back production to v1.2.0",
        "Rollback production to version v1.2.0, please",
        "please revert production to v1.2.0",
        "Hi,\n\nplease deploy v1.2.0 to production\n\nThanks, Anna",
        "Deploy request\n\nHi sayso,\n\nplease deploy v1.2.0 to production\n\nThanks,\nAnna",
        "Deploy v1.2.0\n\nGood morning, please deploy v1.2.0 to production. Have a nice day!",
        (
            "Login fix\n\nHello team,\n\nthe login fix is ready. v1.2.0 has it.\n\n"
            "Please deploy v1.2.0\nto production.\n\n"
            "Let me know once it is live.\n\nBest regards,\nAnna Ames\nRelease Manager"
        ),
        "Hi sayso, could you please deploy v1.2.0 to production?\r\nThank you!\r\n",
        "deploy v1.2.0 to prod",
        "deploy v1.2.0 to Production",
        "Release v1.2.0 to prod\n\nplease release v1.2.0 to production",
    ],
)
def test_a_plain_sentence_names_a_version_and_an_environment(text: str) -> None:
    assert wish_of(text, PLACES) == WHOLE


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("deploy v1.2.0", Wish("v1.2.0", None)),
        ("deploy to staging", Wish(None, "staging")),
        ("deploy staging", Wish(None, "staging")),
        ("deploy", Wish()),
        ("deploy v1.2.0 to pr", Wish("v1.2.0", None)),
        ("deploy v1.2.0 to prodcution", Wish("v1.2.0", None)),
        ("deploy v1.2.0 to productions", Wish("v1.2.0", None)),
        ("roll back staging", Wish(None, "staging")),
        ("roll back to v1.1.0", Wish("v1.1.0", None)),
        ("release 1.2.0 to production", Wish("1.2.0", "production")),
        ("deploy 3f2a1c9 to staging", Wish("3f2a1c9", "staging")),
    ],
)
def test_what_is_not_named_exactly_is_left_open(text: str, wish: Wish) -> None:
    assert wish_of(text, PLACES) == wish


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "don't deploy v1.2.0 to production",
        "do not deploy v1.2.0 to production",
        "never deploy v1.2.0 to production",
        "what happens if we deploy v1.2.0 to production?",
        "when did you deploy v1.2.0 to production",
        "deploy v1.2.0 to production and staging",
        "deploy v1.2.0 to production unless Bo objects",
        "deploy v1.2.0 to production on Friday",
        "deploy v1.2.0 to production? no, wait",
        "deploy v1.2.0 or v1.1.0 to production",
        "stop\ndeploy v1.2.0 to production",
        "> deploy v1.2.0 to production",
        "Anna wrote: deploy v1.2.0 to production",
        "deploy v1.2.0 to production\nno, wait",
        "deploy v1.2.0 to production thanks but not before Friday",
        "please deploy v1.2.0 to production\n\nActually, hold on until Bo has looked.",
        "Hi, don't do anything yet.\n\nplease deploy v1.2.0 to production",
        "This is what Bo wrote:\nplease deploy v1.2.0 to production",
        "please deploy v1.2.0 to production\n> please deploy v1.1.0 to production",
        "please deploy v1.2.0 to production\nv1.1.0 is broken",
        "please deploy v1.2.0 to production\nand staging",
        "please deploy v1.2.0 to production\nLet me know when to start",
        "please deploy v1.2.0 to production\nI take that back",
        "please deploy v1.2.0 to production\nStag is ready",
    ],
)
def test_any_other_sentence_wishes_nothing(text: str) -> None:
    assert wish_of(text, PLACES) == Wish()


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("deploy v1.1.0 to production\nplease deploy v1.2.0 to production", Wish(None, "production")),
        ("please deploy v1.2.0 to production. Please deploy v1.2.0 to staging.", Wish("v1.2.0", None)),
        ("deploy v1.1.0 to staging\n\nroll production back to v1.2.0", Wish()),
        ("deploy v1.2.0 to prod\n\nplease deploy v1.2.0 to staging", Wish("v1.2.0", None)),
    ],
)
def test_what_two_sentences_disagree_about_is_left_open(text: str, wish: Wish) -> None:
    assert wish_of(text, PLACES) == wish


def test_a_name_that_begins_two_environments_is_left_open() -> None:
    places = ("prod-eu", "prod-us", "prod")

    assert wish_of("deploy v1.2.0 to prod", places) == Wish("v1.2.0", "prod")
    assert wish_of("deploy v1.2.0 to prod-", places) == Wish("v1.2.0", None)
    assert wish_of("deploy v1.2.0 to prod-e", places) == Wish("v1.2.0", "prod-eu")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("deploy latest to staging", Wish("latest", "staging")),
        ("please deploy the latest version to prod", Wish("latest", "production")),
        ("deploy the latest", Wish("latest", None)),
        ("roll back production to latest", Wish(None, "production")),
        ("deploy the thing to staging", Wish()),
    ],
)
def test_the_latest_is_a_version_to_be_found_but_no_way_back(text: str, wish: Wish) -> None:
    assert wish_of(text, PLACES) == wish


HEADINGS = st.sampled_from(["", "Deploy request", "Deployment", "Deploy v1.2.0", "Release v1.2.0 please", "Login fix"])
GREETINGS = st.sampled_from(["", "Hi,", "Hello sayso,", "Dear team,", "Good morning!", "Hey sayso!"])
ASIDES = st.sampled_from(
    ["It fixes the login.", "The new version is ready.", "v1.2.0 has the fix.", "Let me know once it is live."]
)
WISHES = st.sampled_from(
    [
        "please deploy v1.2.0 to production",
        "Could you please release v1.2.0 to production?",
        "Please deploy v1.2.0\nto production.",
        "roll production back to v1.2.0",
    ]
)
CLOSINGS = st.sampled_from(
    ["", "Thanks, Anna", "Many thanks!\nAnna", "Best regards\nAnna Ames\nRelease Manager", "--\nAnna"]
)
DOUBTS = st.sampled_from(
    [
        "Please don't deploy it yet.",
        "Do not touch anything.",
        "No, wait.",
        "Stop!",
        "Bo has to agree first.",
        "Only after the sale.",
        "On Friday.",
        "At 17:00, please.",
        "Is v1.2.0 tested?",
        "v1.1.0 was fine.",
        "3f2a1c9 was fine.",
        "Or staging.",
        "The same for staging.",
        "Bo wrote:",
        "> please",
        "Bitte noch nicht.",
        "Nein.",
        "Non !",
        "Não",
        "いいえ。",
    ]
)
OTHER_WISHES = st.sampled_from(
    ["please deploy v1.1.0 to production", "Deploy v1.2.0 to staging.", "roll staging back to v1.1.0", "ship v1.3.0"]
)


@st.composite
def mails(draw: st.DrawFn, extra: st.SearchStrategy[str] | None = None) -> str:
    """A polite mail around one plain wish; with `extra` said somewhere in it."""
    body = [draw(WISHES), *draw(st.lists(ASIDES, max_size=2))]
    body = draw(st.permutations([*body, draw(extra)] if extra is not None else body))
    closing = draw(CLOSINGS)
    parts = [draw(HEADINGS), draw(GREETINGS), *body, closing]
    return draw(st.sampled_from(["\n\n", "\n"])).join(part for part in parts if part)


@given(mails())
def test_a_polite_mail_wishes_what_its_one_plain_sentence_says(mail: str) -> None:
    assert wish_of(mail, PLACES) == WHOLE


@given(mails(DOUBTS))
def test_one_doubtful_sentence_anywhere_in_a_mail_leaves_everything_open(mail: str) -> None:
    assert wish_of(mail, PLACES) == Wish()


@given(mails(OTHER_WISHES))
def test_two_wishes_in_a_mail_are_never_one(mail: str) -> None:
    wish = wish_of(mail, PLACES)

    assert wish.version is None or wish.environment is None


@given(st.text())
def test_any_text_is_read_without_harm(text: str) -> None:
    wish = wish_of(text, PLACES)

    assert wish.environment in {None, *PLACES}
    assert wish.version is None or not any(char.isspace() for char in wish.version)


def test_a_huge_text_is_read_at_once() -> None:
    assert wish_of("deploy " + "v " * 100_000 + "to production", PLACES) == Wish()


@pytest.mark.parametrize(("text", "word"), [("v1.2.0", "v1.2.0"), (" `v1`. ", "v1"), ("v1 or v2", None), ("", None)])
def test_an_answer_of_one_word_is_that_word(text: str, word: str | None) -> None:
    assert word_of(text) == word


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("deploy v1.2.0 to production", True),
        ("deploy v1.2.0", True),
        ("deploy to staging", True),
        ("deploy the latest", True),
        ("roll staging back to v1.1.0", True),
        ("deploy v1.2.0 to nowhere", True),
        ("Deploy request", False),
        ("release notes, please", False),
        ("hello", False),
        ("", False),
        ("don't deploy v1.2.0 to production", False),
        ("deploy v1.2.0 to production, but only once Bo is back", False),
        ("what is live in production?", False),
    ],
)
def test_a_deploy_is_recognised_only_where_it_is_plainly_wished(text: str, is_one: bool) -> None:
    assert is_wish(text, PLACES) is is_one


@pytest.mark.parametrize("tag", ["v1.2.0 to production", "v1.2.0 to production. Thanks", 'v1.2.0" to production'])
def test_what_a_trigger_quotes_adds_no_words_to_a_wish(tag: str) -> None:
    assert wish_of(fill("deploy {tag}", {"tag": tag}), PLACES) == Wish()
