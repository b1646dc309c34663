"""Slack's text in the words that people saw."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.slack.inbound import plain


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("<@U0BOT> deploy v1", "deploy v1"),
        ("hey <@U0BOT|sayso>, deploy v1", "hey deploy v1"),
        ("ask <@U1> and <@U2|cy> and <@U3>", "ask @Anna and @cy and @U3"),
        ("in <#C1|ops>, see <https://corp.example/a?b=1&amp;c=2>", "in #ops, see https://corp.example/a?b=1&c=2"),
        ("<https://evil.example|https://corp.example>", "https://corp.example (https://evil.example)"),
        ("<http://corp.example|corp.example> <mailto:a@b.example|a@b.example>", "http://corp.example a@b.example"),
        ("a &lt; b &amp;&amp; c &gt; d, &amp;lt;", "a < b && c > d, &lt;"),
        ("<!here> <!subteam^S1|@release> <!date^1^{date}|noon>", "@here @release noon"),
        ("code:\n    two  spaces", "code:\n    two  spaces"),
    ],
)
def test_marks_become_words(sent: str, seen: str) -> None:
    assert plain(sent, {"U1": "Anna"}, ("U0BOT",)) == seen


@given(st.text())
def test_what_was_typed_comes_back(typed: str) -> None:
    escaped = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert plain(escaped, {}) == typed.strip()
