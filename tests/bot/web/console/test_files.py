"""Files on a run's page: listed for whoever may see the run, saved by a browser and never shown by it."""

import hashlib

from bot.policy.attachments import all_files
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console

BOT = "sayso@sayso.example"
EVIL = b"<script>alert(document.cookie)</script>"
HASH = hashlib.sha256(EVIL).hexdigest()


async def with_files(world: World, *files: tuple[str, str, bytes], cid: str = "") -> str:
    """The id of a run that a mail with these files has started."""
    await world.post("anna", BOT, "stamp it", *files, cid=cid)

    async def found() -> str | None:
        return next(iter(await world.app.store.lists.runs()), None)

    run_id = await until(found, what="a mail starts a run")
    await world.ended(run_id)
    return run_id


async def test_a_runs_page_lists_what_was_attached_with_type_size_and_hash(world: World, console: Console) -> None:
    run_id = await with_files(world, ("<b>ä</b>.html", "text/html", EVIL), ("a.txt", "text/plain", b"\xff"))

    page = await (await console.browser("anna")).get(f"/runs/{run_id}")

    assert f"b_.html text/html · 39 bytes · sha256 {HASH}" in page.words
    assert "a.txt text/plain · 1 byte · its text can't be read" in page.words
    assert "alert(" not in page.html, "what is in a file is not shown"
    assert f"/runs/{run_id}/files/{HASH}" in page.links


async def test_a_small_picture_within_the_text_is_listed_as_that(world: World, console: Console) -> None:
    run_id = await with_files(world, ("logo.png", "image/png", b"tiny"), cid="logo")

    page = await (await console.browser("anna")).get(f"/runs/{run_id}")

    assert "logo.png image/png · 4 bytes · a small picture within the text" in page.words


async def test_a_browser_saves_a_file_and_is_forbidden_to_show_it(world: World, console: Console) -> None:
    run_id = await with_files(world, ('bö"s.html', "text/html", EVIL))

    answer = await (await console.browser("anna")).ask("GET", f"/runs/{run_id}/files/{HASH}")

    assert (answer.status_code, answer.content) == (200, EVIL)
    assert (
        answer.headers["content-disposition"] == "attachment; filename=\"b__s.html\"; filename*=UTF-8''b%C3%B6_s.html"
    )
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


async def test_nobody_gets_a_file_without_having_logged_in(world: World, console: Console) -> None:
    run_id = await with_files(world, ("a.html", "text/html", EVIL))

    answer = await console.stranger().ask("GET", f"/runs/{run_id}/files/{HASH}")

    assert answer.status_code == 401
    assert EVIL not in answer.content


async def test_a_file_that_is_not_there_any_more_or_never_was_is_said_so_in_words(
    world: World, console: Console
) -> None:
    run_id, bo = await with_files(world, ("a.html", "text/html", EVIL)), await console.browser("anna")
    other = await world.trigger("stamp other")
    await world.ended(other)

    never = [
        await bo.get(path)
        for path in (
            f"/runs/{run_id}/files/{'0' * 64}",
            f"/runs/{run_id}/files/*",
            f"/runs/{other}/files/{HASH}",
        )
    ]
    of_no_run = await bo.get(f"/runs/{other[:-3]}aaa/files/{HASH}")
    for name in [name async for name in world.app.store.client.scan("{s*}:file:*")]:
        await world.app.store.client.do("DEL", name)
    gone = await bo.get(f"/runs/{run_id}/files/{HASH}")

    assert [(page.status, "There is no such file" in page.words) for page in never] == [(404, True)] * 3
    assert (of_no_run.status, "There is no such run" in of_no_run.words) == (404, True)
    assert gone.status == 404
    assert "This file is no longer kept Files are kept for 30 days. Ask whoever sent it" in gone.words
    assert all_files(await world.events(run_id)), "the run still says what it was"
