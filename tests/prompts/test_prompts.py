"""Prompt files: what is read from them, and what is refused."""

import hashlib
from importlib import resources

import pytest

import prompts
from prompts import Prompt, PromptError

FILE = b"---\nname: greet\nversion: 3\nfamily: claude\ninputs: who, words\n---\n\nSay {{ words }} to {{ who }}.\n"


def test_a_prompt_has_the_fields_of_its_front_matter_and_the_hash_of_its_file() -> None:
    prompt = prompts.parse("greet", FILE)

    assert prompt == Prompt(
        name="greet",
        version=3,
        family="claude",
        inputs=("who", "words"),
        body="Say {{ words }} to {{ who }}.",
        hash=hashlib.sha256(FILE).hexdigest(),
    )
    assert prompt.label == "greet@3"


def test_rendering_fills_in_the_inputs_and_escapes_nothing() -> None:
    text = prompts.parse("greet", FILE).render({"who": "Anna & <Bo>", "words": "hello"})

    assert text == "Say hello to Anna & <Bo>."


@pytest.mark.parametrize("inputs", [{}, {"who": "Anna"}, {"who": "Anna", "words": "hi", "more": "x"}])
def test_missing_and_surplus_inputs_are_refused_by_name(inputs: dict[str, str]) -> None:
    with pytest.raises(PromptError, match="greet@3 takes the inputs who, words"):
        prompts.parse("greet", FILE).render(inputs)


@pytest.mark.parametrize(
    "body", [b"{{ unknown }}", b"{{ who.__class__.__mro__ }}", b"{% if %}", b"{{ who.append('x') }}"]
)
def test_a_template_that_reaches_for_what_it_was_not_given_is_refused(body: bytes) -> None:
    prompt = prompts.parse("greet", b"---\nname: greet\nversion: 1\nfamily: claude\ninputs: who\n---\n" + body)

    with pytest.raises(PromptError, match=r"greet@1 does not render: .*prompts/greet\.md"):
        prompt.render({"who": ["Anna"]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no front matter", "must begin with front matter"),
        (b"---\nname: greet\nversion: 1\nfamily: claude\n---\n", "look at: inputs"),
        (b"---\nname: greet\nversion: 1\nfamily: claude\ninputs:\nmood: good\n---\n", "look at: mood"),
        (b"---\nname greet\n---\n", "'name greet' is not a `key: value` line"),
        (b"---\nname: greet\nname: greet\n---\n", "a key of its own"),
        (b"---\nname: other\nversion: 1\nfamily: claude\ninputs:\n---\n", "must be the file's own name"),
        (b"---\nname: greet\nversion: one\nfamily: claude\ninputs:\n---\n", "must be a whole number"),
    ],
)
def test_wrong_front_matter_is_refused_with_what_to_correct(content: bytes, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        prompts.parse("greet", content)


def test_an_unknown_prompt_is_refused_with_those_there_are() -> None:
    with pytest.raises(PromptError, match=r"there is no prompt '\.\./secret'\. There are: .*deploy"):
        prompts.load("../secret")


@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_in_the_tree_loads_and_renders(name: str) -> None:
    prompt = prompts.load(name)

    text = prompt.render({key: f"the {key}" for key in prompt.inputs})

    assert all(f"the {key}" in text for key in prompt.inputs)
    assert prompt.hash == hashlib.sha256(resources.files(prompts).joinpath(f"{name}.md").read_bytes()).hexdigest()
