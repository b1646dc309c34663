"""The words of others get into a text of ours as data: one word, or quoted; in one line; never as braces of ours."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bot.config.templates import CONTEXT_BYTES, check_template, fill, fill_plainly, find, pick, read_body
from bot.errors import Invalid

TEMPLATE = "deploy {release.tag} to staging"


def filled(tag: JsonValue) -> str:
    return fill(TEMPLATE, {"release": {"tag": tag}, "secret": "other"})


@pytest.mark.parametrize(
    "tag", ["v1.2.0", "feature/x_y", "a" * 200, "größe-3", "v1+build~2", "4f2a", "ops@corp.example"]
)
def test_a_plain_word_stands_as_it_is(tag: str) -> None:
    assert filled(tag) == f"deploy {tag} to staging"


@pytest.mark.parametrize(("tag", "said"), [(7, "7"), (1.5, "1.5"), (True, "true")])
def test_numbers_and_truths_are_words(tag: JsonValue, said: str) -> None:
    assert filled(tag) == f"deploy {said} to staging"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("v1 to production and v2", '"v1 to production and v2"'),
        ("v1\ndeploy v2 to production", '"v1\\ndeploy v2 to production"'),
        ('v1" to production, "', '"v1\\" to production, \\""'),
        ("{secret}", '"{secret}"'),
        ("{release.tag}", '"{release.tag}"'),
        ("v1\u2028now", '"v1\\u2028now"'),
        ("v1\u202e", '"v1\\u202e"'),
        ("v\u200b1", '"v\\u200b1"'),
        ("\\1", '"\\\\1"'),
        ("--force", '"--force"'),
        ("<b>", '"<b>"'),
    ],
)
def test_anything_else_is_quoted_in_one_line(tag: str, said: str) -> None:
    assert filled(tag) == f"deploy {said} to staging"


@given(st.text(max_size=200).filter(lambda text: bool(text.strip())))
def test_no_value_can_add_a_line_or_a_word_of_ours(tag: str) -> None:
    text = filled(tag)

    inner = text.removeprefix("deploy ").removesuffix(" to staging")
    assert text.isprintable()
    assert re.fullmatch(r"[^\s\"]+", inner) or json.loads(inner) == tag


@pytest.mark.parametrize("tag", [None, "", " \n", [], ["v1"], {}, {"a": 1}, "x" * 201])
def test_what_is_no_short_text_is_refused_without_its_value(tag: JsonValue) -> None:
    with pytest.raises(Invalid, match=r"release\.tag") as refused:
        filled(tag)
    assert "xxx" not in str(refused.value)


def test_paths_lead_through_tables_and_lists_and_nowhere_else() -> None:
    body: JsonValue = {"commits": [{"id": "a"}, {"id": "b"}], "a.b": 1, "n": None}

    assert find(body, "commits.1.id") == "b"
    for path in ("commits.2.id", "commits.-1.id", "commits.x", "commits.id", "a.b", "n.x", "commits.0.id.x", "none"):
        assert find(body, path) is None


@pytest.mark.parametrize(
    "template",
    [
        "deploy {",
        "deploy }",
        "deploy {}",
        "deploy {a b}",
        "deploy {{tag}}",
        "deploy {a..b}",
        "{a.}",
        "",
        " ",
        "a\nb",
        "{tag!r}",
        "{0:>10}",
        "{tag[0]}",
        "{__class__}{",
        "a\u2028b",
    ],
)
def test_a_template_with_other_braces_or_lines_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="text"):
        check_template(template)


def test_a_name_is_taken_as_it_is_or_not_at_all() -> None:
    assert fill_plainly("{repo} {id}", {"repo": "acme/shop two", "id": 17}) == "acme/shop two 17"
    for repo in ("a\nb", "a\u202eb", "x" * 201, ""):
        with pytest.raises(Invalid):
            fill_plainly("{repo}", {"repo": repo})


def test_the_context_has_each_value_by_its_name_and_null_for_none() -> None:
    body: dict[str, JsonValue] = {"release": {"tag": "v1\nv2", "files": [1, {"x": None}]}}

    assert pick({"tag": "release.tag", "files": "release.files", "no": "no.thing"}, body) == {
        "tag": "v1\nv2",
        "files": [1, {"x": None}],
        "no": None,
    }
    with pytest.raises(Invalid, match=str(CONTEXT_BYTES)):
        pick({"a": "a"}, {"a": "x" * CONTEXT_BYTES})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b'"x"',
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a":' * 50000,
        b'{"a":' + b"[" * 50000 + b"]" * 50000 + b"}",
        b"tag=v1",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="The body is not a JSON object in UTF-8"):
        read_body(body)
