"""Exact commands: the texts that are one, and that nothing else is."""

from itertools import product
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.command import Announce, Ask, Command, Deploy, Help, Release, Rollback, is_order, parse, verb_of
from bot.config.templates import fill

V1 = Deploy("v1.2.0", "production")
PLAIN = "deploy v1.2.0 to production"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (PLAIN, V1),
        ("Deploy v1.2.0 TO production.", V1),
        ("deploy `v1.2.0` to *production*", V1),
        ("deploy latest to prod", Deploy("latest", "prod")),
        ("deploy v1.2.0 to production and announce it", Release(V1)),
        ("rollback production", Rollback("production")),
        ("Roll back production to v1.1.0", Rollback("production", "v1.1.0")),
        (
            "ask person:bo, group:ops and person:cy: where: here?",
            Ask(("person:bo", "group:ops", "person:cy"), "where: here?"),
        ),
        (
            "ask group:release: which day suits? | Mon, Tue, Wed | until Thursday 12:00",
            Ask(("group:release",), "which day suits?", ("Mon", "Tue", "Wed"), "until Thursday 12:00"),
        ),
        ("ask person:bo: when? | until tomorrow", Ask(("person:bo",), "when?", (), "until tomorrow")),
        ("ask person:bo: when? | by bus, by car", Ask(("person:bo",), "when?", ("by bus", "by car"))),
        ("announce: the office is closed", Announce("the office is closed")),
        ("@sayso what can you do?", Help()),
    ],
)
def test_an_exact_command_is_read(text: str, command: Command) -> None:
    assert parse(text, "anna") == command


BEFORE = ["", "please ", "Hi sayso, ", "<@U01SAYSO> please ", "Good morning,\n"]
AFTER = ["", ". Thanks!", "\nThanks, Anna", "\n\nBest regards,\nAnna Ames", "\n--\nAnna\nnot before noon"]


def test_a_greeting_before_and_thanks_after_say_nothing() -> None:
    for before, after in product(BEFORE, AFTER):
        assert parse(f"{before}{PLAIN}{after}", "anna") == V1, (before, after)
    said_twice = f"{PLAIN}\n\nHi sayso,\n\n{PLAIN}\n\nThanks,\nAnna"
    assert parse(said_twice, "anna") == V1, "the subject of a mail repeats the command"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deploy v1.2.0",
        "could you please deploy v1.2.0 to production",
        "deploy v1.2.0 to production?",
        "deploy v1.2.0 to production tomorrow at 9:00",
        "deploy v1.2.0 to production and staging",
        "deploy the latest version to production",
        "do not deploy v1.2.0 to production",
        "deploy v1.2.0 to production\nbut not before noon",
        "deploy v1.2.0 to production\nThanks,\nWait",
        "deploy v1.2.0 to production\nAnna",
        "deploy v1.2.0 to production\n--\nNot before noon",
        "deploy v1.2.0 to production\n--\nFriday",
        "Not before noon\n\ndeploy v1.2.0 to production",
        "deploy v1.2.0 to production\n> deploy v1.2.0 to production",
        "deploy v1.2.0 to production\ndeploy v1.1.0 to production",
        "Bo wrote:\ndeploy v1.2.0 to production",
        '"deploy v1.2.0 to production"',
        "ask group:release which day suits",
        "ask person:bo: when? | Mon",
        "ask person:bo: when? | Mon,, Tue",
        "ask person:bo: when? | a, b | in 2 hours",
        "ask person:bo: when?\nor rather not",
        "do not announce: the move",
        "help me deploy v1.2.0",
        "deploy " + "v " * 100_000 + "to production",
    ],
)
def test_anything_more_or_else_is_no_command(text: str) -> None:
    assert parse(text, "anna") is None


def test_an_agent_is_found_by_any_signature_and_reads_only_that_of_whoever_asks() -> None:
    signed = f"{PLAIN}\n\nThanks,\nStop"

    assert parse(signed) == V1
    assert parse(signed, "anna") is None


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("Hi, deploy whatever you like", "deploy"),
        ("rollback", "rollback"),
        ("deployments are slow", ""),
        ("deploy-bot is ill", ""),
        ("do not deploy", ""),
    ],
)
def test_whatever_begins_with_a_command_is_for_who_knows_it(text: str, verb: str) -> None:
    assert verb_of(text) == verb


@pytest.mark.parametrize("tag", ["v1.2.0 to production", "v1.2.0 to production. Thanks", 'v1.2.0" to production'])
def test_what_a_trigger_was_sent_adds_no_words_to_a_command(tag: str) -> None:
    assert parse(fill("deploy {tag}", {"tag": tag})) is None


WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9).filter(
    lambda word: (
        word not in {"hi", "hey", "dear", "hello", "hallo", "help", "usage", "best", "please", "thanks", "cheers"}
    )
)
PLACES = st.sampled_from(["{0} {1}", "{1} {0}", "{0}\n{1}", "{1}\n{0}", "{0}\nThanks, {1}", "{0}. {1}"])


@given(extra=st.lists(WORDS, min_size=1, max_size=4).map(" ".join), place=PLACES)
def test_no_command_has_room_for_other_words(extra: str, place: str) -> None:
    assert parse(place.format(PLAIN, extra), "anna") is None


ALPHABET = ("deploy rollback to and announce it ask help : | , . ? v1.2.0 production person:bo until Hi Thanks", "\n")
PIECES = st.sampled_from([piece for part in ALPHABET for piece in part.split(" ")])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=9).map(" ".join)))
def test_any_text_is_one_exact_command_or_none(text: str) -> None:
    match parse(text, "anna"):
        case Deploy(version, environment) | Release(Deploy(version, environment)):
            assert not any(char.isspace() for char in version + environment)
        case Ask(people, question, options, _):
            assert people
            assert question
            assert len(options) != 1
        case Announce(words):
            assert words
        case _:
            pass


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("@sayso please deploy `v1.2.0` to production and announce it, thanks!", True),
        ("rollback production", True),
        ("deploy v1.2.0", False),
        ("deploy v1.2.0 to production after lunch", False),
        ("announce: v1.2.0 is out", False),
    ],
)
def test_a_complete_order_leaves_nothing_to_ask(text: str, is_whole: bool) -> None:
    assert is_order(text) == is_whole


@pytest.mark.parametrize(
    "text",
    ["announce: " + "x" * 65_536, "sayso, " * 1_000 + "announce: hello", "\u200b" * 70_000 + "deploy v1 to production"],
    ids=["an announcement without an end", "greetings without an end", "more than anybody sees"],
)
def test_attack_what_is_longer_than_anybody_writes_is_no_command(text: str) -> None:
    assert parse(text) is None


def test_attack_a_long_row_of_blanks_in_what_is_no_command_holds_nobody_up() -> None:
    began = process_time()

    assert parse(f"help{' ' * 3_900}x") is None
    assert process_time() - began < 0.5
