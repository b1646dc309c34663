"""The page that shows how the files of a deploy differ from what is live."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.queries.environments import visible
from bot.web.console.requests import rows
from tests.bot.web.console.stage import place
from tests.kit.world import World
from tests.servers.console import a_console
from tests.test_tour import commit_of


async def test_the_card_of_a_deploy_leads_to_how_its_files_differ(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    async with a_console(shop) as console:
        bo = await console.browser("bo")

        assert f"{place(record)}/changes" in (await bo.get(place(record))).html
        page = await bo.get(f"{place(record)}/changes")

        old, new = commit_of(shop, "v1.0.0")[:7], commit_of(shop, "v1.2.0")[:7]
        assert f"production: from {old}, which was live when this was asked, to {new}" in page.words
        assert "2 files" in page.words
        assert '<span class="d-more">+' in page.html
        assert '<span class="d-less">-' in page.html
        one = await bo.get(f"{place(record)}/changes?file=index.html")
        assert "diff --git a/index.html b/index.html" in one.words
        assert one.words.count("diff --git") == 1


@pytest.fixture
def git_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many times git compared two commits, by git's own trace (trace2.normalTarget)."""
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[trace2]\nnormalTarget = {trace}\n")
    monkeypatch.setenv("HOME", str(home))
    return lambda: len(re.findall(r"\bstart git .* diff ", trace.read_text())) if trace.exists() else 0


async def test_many_who_look_at_once_and_later_cost_two_gits(shop: World, git_calls: Callable[[], int]) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    await shop.quiet()
    async with a_console(shop) as console:
        bo, cy = [await console.browser(person) for person in ("bo", "cy")]
        before = git_calls()

        pages = await asyncio.gather(*(one.get(f"{place(record)}/changes") for one in (bo, cy) * 5))
        pages.append(await bo.get(f"{place(record)}/changes"))
        assert git_calls() == before + 2
        await bo.get(f"{place(record)}/changes?file=index.html")
        await bo.get(f"{place(record)}/changes?file=index.html")

    assert before > 0
    assert git_calls() == before + 3
    assert {page.words.partition("diff --git")[2] for page in pages} == {pages[0].words.partition("diff --git")[2]}


async def test_the_facts_on_files_lead_to_how_they_differ_on_both_pages(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    async with a_console(shop) as console:
        bo = await console.browser("bo")

        for page in (await bo.get(place(record)), await bo.get(f"/runs/{record.request.run_id}")):
            assert page.html.count(f'href="{place(record)}/changes"') == 1
            files = page.html.partition("<dt>Files</dt>")[2].partition("</dd>")[0]
            assert f'href="{place(record)}/changes">See what changes in the files</a>' in files


async def test_what_a_file_holds_is_shown_as_text_and_a_path_reaches_nothing_else(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    async with a_console(shop) as console:
        bo = await console.browser("bo")

        for path in ("../../secret.key", "--output=/tmp/x", ":(top)", "/etc/passwd"):
            page = await bo.get(f"{place(record)}/changes?file={path}")
            assert page.status == 200
            assert "diff --git" not in page.words
        shown = (await bo.get(f"{place(record)}/changes")).html.partition('<pre class="diff"')[2].partition("</pre>")[0]
        assert "&lt;" in shown
        assert set(re.findall(r"</?(\w+)", shown)) == {"span"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("+# fine\u2028evil()", "+# fine⟨U+2028⟩evil()"),
        ("+# fine\revil()", "+# fine⟨U+000D⟩evil()"),
        ("+a\u202eb\u200bc", "+a⟨U+202E⟩b⟨U+200B⟩c"),
        ("+\tindented\r", "+    indented"),
    ],
)
def test_a_character_that_shows_nothing_is_marked(line: str, shown: str) -> None:
    assert visible(line) == shown


def test_a_removed_comment_is_no_head_of_a_file() -> None:
    lines = ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "--- a comment", "+++ counted", " same"]

    assert [kind for kind, _ in rows(lines)] == ["d-file", "d-file", "d-file", "d-at", "d-less", "d-more", ""]


async def test_where_nothing_is_deployed_there_is_nothing_to_compare(world: World) -> None:
    record = await world.opened(await world.trigger("press it"))
    async with a_console(world) as console:
        bo = await console.browser("bo")

        assert "/changes" not in (await bo.get(place(record))).html
        assert "There is nothing to compare" in (await bo.get(f"{place(record)}/changes")).words
