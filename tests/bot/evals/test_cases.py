"""Files of cases: what is read, and errors that name file, case and key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Invalid
from bot.evals.adding import written
from bot.evals.cases import Asks, Calls, Case, Ends, Happens, parse

HEAD = 'agent = "deploy"\n[[case]]\nname = "plain"\ntext = "deploy v1"\n'
WORDS = st.text(max_size=20)
JSON = st.recursive(WORDS | st.booleans() | st.integers(-9, 9), lambda one: st.lists(one, max_size=2), max_leaves=3)
TABLE = st.dictionaries(WORDS, JSON, max_size=2)
CALL = st.builds(Calls, tool=WORDS, arguments=TABLE)
WANTED = CALL | st.builds(Asks, asks=st.just("a.*b")) | st.builds(Ends, done=st.just("done"), says=st.just("x|y"))
HAPPENS = st.builds(Happens, says=WORDS) | st.builds(
    Happens, calls=WORDS.filter(bool), arguments=TABLE, gives=WORDS, by=WORDS
)
CASES = st.builds(
    Case,
    name=st.text(min_size=1, max_size=20),
    text=WORDS,
    context=TABLE,
    facts=st.dictionaries(WORDS, WORDS, max_size=2),
    history=st.lists(HAPPENS, max_size=2).map(tuple),
    expect=st.lists(WANTED, min_size=1, max_size=2).map(tuple),
    never=st.lists(WANTED, max_size=2).map(tuple),
    needs_model=st.booleans(),
)


def problem(text: str) -> str:
    with pytest.raises(Invalid) as raised:
        parse(text, "evals/mine.toml")
    return str(raised.value)


@given(CASES)
def test_a_case_that_is_written_is_read_as_it_was(case: Case) -> None:
    text = written("deploy", case)

    assert parse(text, "here").cases == (case,)


@given(CASES, CASES)
def test_a_case_is_appended_to_what_is_there(first: Case, second: Case) -> None:
    second = second.model_copy(update={"name": f"{first.name} again"})
    there = written("deploy", first)

    assert parse(there + written("deploy", second, there), "here").cases == (first, second)


@given(st.text())
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    assert "evals/mine.toml" in problem(text)


def test_facts_of_the_file_belong_to_every_case_and_a_case_may_replace_them() -> None:
    text = (
        'agent = "a"\nfacts = { x = "1", y = "2" }\n'
        '[[case]]\nname = "one"\ntext = ""\nexpect = { done = "done" }\nfacts = { y = "3", z = "4" }'
    )

    (case,) = parse(text, "here").cases

    assert case.facts == {"x": "1", "y": "3", "z": "4"}
    assert case.expect == (Ends(done="done"),)


DONE = f"{HEAD}expect = {{ done = 'done' }}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "case 'plain': `expect` names the steps that are right"),
        (HEAD + "expect = { asks = '(' }", "case 'plain': expect.0.asks.asks: no regular expression"),
        (HEAD + "expect = { tols = 'x' }", "case 'plain': expect.0: a step is a table with `tool`, `asks` or `done`"),
        (
            f"{DONE}history = [{{ gives = 'x' }}]",
            "case 'plain': history 1 closes a step: `calls` or `asks` must",
        ),
        (f"{DONE}[[case]]\nname = 'plain'\ntext = ''\nnever = {{ done = 'done' }}", "there are two cases 'plain'"),
        (f'{DONE}trigger = "tags"\ndesk = "eve@shop.example"', "either `trigger` or `desk`"),
        ('agent = "x"\n[[case]]\ntext = ""\nexpect = []', "case 1: name: Field required"),
    ],
)
def test_an_error_names_file_case_and_key(text: str, said: str) -> None:
    assert said in problem(text)
    assert problem(text).startswith("evals/mine.toml")
