"""The release: what changes it, and where it is found."""

from dataclasses import replace

import pytest

from bot.registry.release import InUse, release_of
from tests.kit.world import World

DEPLOY = InUse("deploy", "deploy@2", "a1", "b1", "claude-sonnet-5-5")
ASK = InUse("ask", "ask@1", "a2", "b2", "claude-sonnet-5-5")


def test_a_release_is_the_same_in_every_process_of_it() -> None:
    release = release_of("0.1.0 c1", [DEPLOY, ASK])

    assert release == release_of("0.1.0 c1", [ASK, DEPLOY])
    assert len(release) == 12


@pytest.mark.parametrize(
    "other",
    [
        replace(DEPLOY, prompt="deploy@1"),
        replace(DEPLOY, prompt_hash="a9"),
        replace(DEPLOY, tools_hash="b9"),
        replace(DEPLOY, model="claude-opus-5-5"),
        replace(DEPLOY, agent="release"),
    ],
)
def test_whatever_an_agent_works_with_makes_another_release(other: InUse) -> None:
    assert release_of("0.1.0 c1", [other, ASK]) != release_of("0.1.0 c1", [DEPLOY, ASK])


async def test_a_run_says_of_each_event_which_release_wrote_it_though_another_one_goes_on_with_it(
    world: World,
) -> None:
    run_id = await world.trigger("ask free_text Which?")
    await world.opened(run_id)
    first = world.app.release

    world.toml += '[agents.clerk]\nmodel = "claude-opus-5-5"\n'
    async with world.stopped():
        pass
    await world.reply("anna", await world.next_mail("anna"), "that one")
    await world.ended(run_id)

    releases = [event.release for event in await world.events(run_id)]
    assert first != world.app.release
    assert releases[0] == first
    assert releases[-1] == world.app.release
    assert set(releases) == {first, world.app.release}
