"""Sentences with markup in them: what is filled in can not become markup, and our own stays."""

import re
from html import unescape
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from agents.requests import RequestState
from agents.run import RunState
from bot.render.words import channel_word, state_word
from bot.web.console.views.words import say_html
from channels.showing import escape_invisible
from language import LANGUAGES, Language, say, speaking
from tests.servers.lines import TOP
from tests.servers.markup import Markup as Parsed

TEMPLATES = sorted((TOP / "bot" / "web" / "console" / "templates").glob("*.html"))
# Names, which are the same in every language.
NAMES = {"sayso", "sha256", "sayso_"}
READ = re.compile(r">([^<>]*)(?=<)|\b(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"")


@given(st.text(), st.sampled_from(LANGUAGES))
def test_a_value_is_text_whatever_it_holds(value: str, language: Language) -> None:
    with speaking(language):
        html = say_html("console.run-forked", source=value, number=3, name="Bo")
        said = say("console.run-forked", source=escape_invisible(value), number=3, name="Bo")

    assert Parsed(html).tags == []
    assert unescape(html) == unescape(escape(said))


@given(st.text())
def test_only_what_is_markup_already_stands_as_it_is(words: str) -> None:
    link = Markup('<a href="/runs/x">{}</a>').format(words)

    html = say_html("console.run-forked", source=link, number=3, name="<b>Bo</b>")

    assert html.startswith(f"Forked from {link} at event 3, by &lt;b&gt;Bo&lt;/b&gt;.")


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert say_html("console.run-started", run="{run} {0.__class__}") == "Started {run} {0.__class__}"


def test_a_sentence_itself_is_escaped() -> None:
    assert say_html("console.mailbox-heading", name="Bo") == "Bo&#39;s mailbox"


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="run"):
        say_html("console.run-started")


@pytest.mark.parametrize("state", [*get_args(RunState), *get_args(RequestState)])
def test_every_state_has_a_word_of_its_own_in_german(state: str) -> None:
    word = state_word(state)
    assert word == {"revoked": "stopped", "superseded": "no longer asked"}.get(state, state)

    with speaking("de"):
        assert state_word(state) != word


def test_a_name_that_has_no_word_is_shown_as_it_is() -> None:
    with speaking("de"):
        assert (state_word("half done"), channel_word("pigeon")) == ("half done", "pigeon")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(template: Path) -> None:
    html = re.sub(r"{[{%#].*?[}%#]}", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)

    words = {word for texts in READ.findall(html) for text in texts for word in re.findall(r"[A-Za-z]\w+", text)}
    assert words <= NAMES
