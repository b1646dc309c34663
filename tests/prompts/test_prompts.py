"""Prompt files: what is read from them, and what is refused."""

import hashlib
import re
from importlib import resources
from pathlib import Path

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
    prompt = prompts.parse("greet", FILE)

    assert prompt.render({"who": "Anna & <Bo>", "words": "hello"}) == "Say hello to Anna & <Bo>."
    for inputs in ({}, {"who": "Anna"}, {"who": "Anna", "words": "hi", "more": "x"}):
        with pytest.raises(PromptError, match="greet@3 takes the inputs who, words"):
            prompt.render(inputs)


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
        (b"---\nname: greet\nversion: 0\nfamily: claude\ninputs:\n---\n", "must be a whole number"),
        (b"---\nname: \xff\n---\n", "is not UTF-8 text"),
    ],
)
def test_wrong_front_matter_is_refused_with_what_to_correct(content: bytes, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        prompts.parse("greet", content)


def test_an_unknown_prompt_is_refused_with_those_there_are() -> None:
    with pytest.raises(PromptError, match=r"there is no prompt '\.\./secret'\. There are: .*deploy"):
        prompts.load("../secret")


def write(folder: Path, stem: str, version: int, body: str = "Hello.", name: str = "greet") -> None:
    """A prompt file in `folder`."""
    text = f"---\nname: {name}\nversion: {version}\nfamily: claude\ninputs:\n---\n{body}"
    (folder / f"{stem}.md").write_text(text)


def test_the_plain_name_is_the_newest_version_and_a_number_picks_an_older_one(tmp_path: Path) -> None:
    write(tmp_path, "greet", 10, "Newest.")
    write(tmp_path, "greet@9", 9, "Older.")
    write(tmp_path, "greet@2", 2, "Oldest.")
    write(tmp_path, "greeting", 1, name="greeting")

    assert prompts.names(tmp_path) == ("greet", "greeting")
    assert [one.label for one in prompts.versions("greet", tmp_path)] == ["greet@10", "greet@9", "greet@2"]
    assert prompts.load("greet", tmp_path) == prompts.load("greet@10", tmp_path)
    assert prompts.load("greet@2", tmp_path).render({}) == "Oldest."


def test_a_version_that_is_not_there_is_refused_with_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, "greet@2", 2)
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PromptError, match=r"no prompt 'greet' in .*: write greet\.md there\. There are: none"):
            prompts.load("greet", folder)
    write(tmp_path, "greet", 4)
    for name in ("greet@3", "greet@02", "greet@2 ", "greet@two"):
        with pytest.raises(PromptError, match=re.escape(f"there is no prompt {name!r}. There are: greet@4, greet@2")):
            prompts.load(name, tmp_path)


def test_a_file_of_a_version_must_say_that_version_and_be_older_than_the_newest(tmp_path: Path) -> None:
    write(tmp_path, "greet", 4)
    write(tmp_path, "greet@2", 3)

    with pytest.raises(PromptError, match=re.escape(f"{tmp_path}/greet@2.md says `version: 3`: it must be the number")):
        prompts.load("greet@2", tmp_path)
    (tmp_path / "greet@2.md").unlink()
    for version in (4, 5):
        write(tmp_path, f"greet@{version}", version)
        with pytest.raises(PromptError, match=f"greet.md says `version: 4`, but there is .*greet@{version}.md"):
            prompts.load("greet@4", tmp_path)
        (tmp_path / f"greet@{version}.md").unlink()


def test_every_version_of_every_prompt_in_the_tree_loads_and_renders() -> None:
    for prompt in [prompt for name in prompts.names() for prompt in prompts.versions(name)]:
        text = prompts.load(prompt.label).render({key: f"the {key}" for key in prompt.inputs})

        assert all(f"the {key}" in text for key in prompt.inputs)
        file = resources.files(prompts).joinpath(prompt.file.removeprefix("prompts/"))
        assert prompt.hash == hashlib.sha256(file.read_bytes()).hexdigest()
