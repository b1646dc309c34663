"""Access to Redis and the data directory speaks for nobody: keys and sessions say who it is."""

from pathlib import Path

import pytest

from tests.bot.cli.shell import elsewhere, in_production, sayso
from tests.kit.world import World
from tests.servers.web import Api

REQUEST, RUN = "REQUEST", "RUN"
AS_BO = [
    ["trigger", "stamp it"],
    ["answer", REQUEST, "approve"],
    ["answer", REQUEST, "deny"],
    ["withdraw", REQUEST],
    ["answer", REQUEST, "edit", "--set", "it=that"],
    ["pause", RUN],
    ["resume", RUN],
    ["cancel", RUN],
    ["fork", RUN, "--at", "1"],
    ["retry", RUN],
    ["ask", "Really?", "--to", "person:bo"],
]


@pytest.mark.long
async def test_nobody_speaks_or_answers_the_mail_of_others_where_no_sayso_dev_runs(world: World) -> None:
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    await world.quiet()
    before = len(await world.events(run_id))
    for words in AS_BO:
        named = [{REQUEST: record.request.id, RUN: run_id}.get(word, word) for word in words]

        ended = await elsewhere(world.folder, *named, "--as", "bo", "--data", str(world.folder))

        assert (ended.code, ended.out) == (1, ""), words
        assert "set SAYSO_URL and SAYSO_API_KEY" in ended.err
    link = await in_production(world, "login", "--as", "bo")
    assert (link.code, "token=" in link.out) == (1, False)
    assert f"works only beside `sayso dev`. Start it with `sayso dev --data {world.folder}`" in link.err
    assert len(await world.events(run_id)) == before
    assert (await world.request(record.request.id)).state == "open"
    assert len(await world.app.store.lists.summaries()) == 1

    record = await world.opened(await world.trigger("press it"))
    card = await world.next_mail("bo")

    read = await in_production(world, "mailbox", "bo")
    sent = await in_production(world, "mailbox", "bo", "--reply-to", card.id, "--text", "approved")
    outside = await in_production(world, "mailbox", "--from", "eve@else.example", "--to", "a@b.example", "--text", "x")

    assert {read.code, sent.code, outside.code} == {1}
    assert card.id not in read.out
    assert (await world.request(record.request.id)).state == "open"


@pytest.mark.long
async def test_a_key_that_an_operator_made_is_told_to_its_person_and_marks_what_it_decides(
    world: World, api: Api, tmp_path: Path
) -> None:
    made = await in_production(world, "keys", "create", "--person", "bo", "--scope", "read,answer")
    assert made.code == 0
    assert "an operator made a key that answers" in made.err
    letter = await world.next_mail("bo")
    assert "answers requests as you, Bo Berg" in letter.text
    assert made.out.strip() not in letter.text
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    words = ("answer", record.request.id, "approve", "--digest", record.request.digest)

    ended = await elsewhere(tmp_path, *words, SAYSO_URL=api.url, SAYSO_API_KEY=made.out.strip())

    marked = "The word of Bo Berg came with an API key that an operator made."
    assert (ended.code, marked in ended.out) == (0, True)
    assert "bo approves over HTTP with a key that an operator made" in (await sayso(world, "show", run_id)).out.replace(
        "Bo Berg", "bo"
    )
    news = await world.next_mail("cy")
    while "Closed" not in news.text:
        news = await world.next_mail("cy")
    assert marked in news.text


@pytest.mark.long
async def test_an_approval_in_a_terminal_is_for_what_this_person_was_shown(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    request_id = record.request.id
    await sayso(world, "requests", "--for", "bo")
    await sayso(world, "requests", "--full", "--for", "cy")
    await sayso(world, "requests", "--for", "bo", "--json")

    unseen = await sayso(world, "answer", request_id, "approve", "--as", "bo", "--json")
    first = await sayso(world, "answer", request_id, "approve", "--as", "bo")
    assert (await world.request(request_id)).state == "open"
    again = await sayso(world, "answer", request_id, "approve", "--as", "bo")

    assert (unseen.code, unseen.out) == (1, "")
    assert (first.code, record.request.digest in first.out) == (1, True)
    typed = f"sayso answer {request_id} approve --digest {record.request.digest} --as bo --data {world.folder}"
    assert f"type the same again, or: {typed}" in first.err
    assert (again.code, (await world.request(request_id)).state) == (0, "approved")


async def test_a_note_that_a_folder_brings_along_shows_nobody_anything(world: World, api: Api, tmp_path: Path) -> None:
    record = await world.opened(await world.trigger("press bell"))
    request = record.request
    (tmp_path / ".sayso").mkdir()
    note = f'{{"{request.id}": [1, "{request.digest}"], "bo {request.id}": [1, "{request.digest}"]}}'
    (tmp_path / ".sayso" / "shown.json").write_text(note)
    _, key = await api.key("bo")
    env = {"SAYSO_URL": api.url, "SAYSO_API_KEY": key}

    ended = [await elsewhere(tmp_path, "answer", request.id, "approve", **env) for _ in range(2)]

    assert [one.code for one in ended] == [1, 0]
