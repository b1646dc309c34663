"""Items held or given up are seen, and tried again, by those who look after them."""

from bot.outbound.dead_letter import Note
from tests.bot.web.console.stage import kept, proof
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console


async def test_a_held_mail_is_listed_with_its_reason_and_nobody_can_wave_it_through(
    world: World, console: Console
) -> None:
    await world.opened(await world.trigger("press it"))
    letter = await world.next_mail("bo")
    await world.send("bo", letter.reply_to or "", "approved <b>now</b>", login=None)
    await until(world.dead, what="it is held")
    dan = await console.browser("dan")

    page = await dan.get("/quarantine")

    [(name, note)] = (await world.app.store.lists.dead()).items()
    assert Note.model_validate_json(note).why in page.words
    assert "Nobody can let these through" in page.words
    assert all("/requeue" not in form.action for form in page.forms)
    no = await dan.post(f"/quarantine/{name}/requeue", await proof(dan))
    assert f"Have that person asked: sayso dead confirm {name}" in (await dan.get(no.headers["location"])).words
    assert len(await world.dead()) == 1


async def a_forged_answer(world: World) -> str:
    """The id of a held message that claims to be Bo's answer, with a subject that would like to be markup."""
    await world.opened(await world.trigger("press it"))
    letter = await world.next_mail("bo")
    await world.send("bo", letter.reply_to or "", "approved", login=None)
    await until(world.dead, what="it is held")
    [name] = await world.app.store.lists.dead()
    await world.quiet()
    return name


async def test_an_operator_has_the_person_asked_and_then_discards_it(world: World, console: Console) -> None:
    name, dan = await a_forged_answer(world), await console.browser("dan")

    asked = await dan.submit((await dan.get("/quarantine")).form(f"/quarantine/{name}/confirm"), "Ask that person")

    [run_id] = await world.app.store.lists.runs()
    run = await (await console.browser("anna")).get(f"/runs/{run_id}")
    assert "An answer that claims to be from bo@corp.example was quarantined, not counted" in run.words
    assert "Bo Berg is asked whether it was theirs." in asked.words
    assert "Dan Dorn had that person asked" in asked.words
    assert all("/confirm" not in form.action for form in asked.forms)
    assert "was not accepted" in (await world.next_mail("bo", about="Was this message yours?")).text
    gone = await dan.submit(asked.form(f"/quarantine/{name}/discard"), "Discard")
    assert f"{name} is discarded." in gone.words
    assert await world.dead() == []


async def test_who_is_no_operator_or_has_no_stamp_neither_asks_nor_discards(world: World, console: Console) -> None:
    name, bo, dan = await a_forged_answer(world), await console.browser("bo"), await console.browser("dan")
    assert all("/quarantine/" not in form.action for form in (await bo.get("/quarantine")).forms)
    before = await kept(world)

    for verb in ("confirm", "discard"):
        path = f"/quarantine/{name}/{verb}"
        assert (await bo.post(path, await proof(bo))).status_code == 403
        assert (await dan.post(path, {"as": "dan"})).status_code == 403
        assert (await dan.post(path, await proof(dan), {"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert (await dan.ask("GET", path)).status_code in {404, 405}

    assert await kept(world) == before
