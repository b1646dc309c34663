"""What code says of what went wrong is German for who reads German: refusals, failures, alerts, and their pages."""

import re
from pathlib import Path

from channels import Address, Card, ChannelRefused, Placement
from tests.fakes.slow import SlowChannel
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World, a_world
from tests.servers.console import a_console

GERMAN = f'language = "de"\n{TOML}'
FOR_TWO = re.sub(r"\[people\.(?:anna|dan)\]\n", r'\g<0>language = "de"\n', TOML)


pytestmark = opens(FOR_TWO)
"""An installation that speaks English, where Anna, who asks, and Dan, who hears alerts, read German."""


def words(text: str) -> str:
    return " ".join(text.split())


class NoIds(SlowChannel):
    """The world's mail, which does not know how to reach Bo."""

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if to.person == "bo":
            raise ChannelRefused("They have no Slack id", "Set `slack` of that person in sayso.toml")
        return await self._channel.send(card, to, key)


async def test_whom_a_card_did_not_reach_and_why_is_german_in_mails_alerts_and_pages(
    redis: str, tmp_path: Path
) -> None:
    def change(world: World) -> None:
        world.through = NoIds

    why = "Diese Person hat keine Slack-ID. Setzen Sie `slack` dieser Person in sayso.toml"
    async with a_world(redis, tmp_path / "data", GERMAN, change=change) as world:
        record = await world.opened(await world.trigger("press bell"))

        told = await world.next_mail("anna", about="Nicht erreicht: Press bell?")
        alert = await world.next_mail("dan", about="Bo Berg ist nicht zu erreichen")
        await world.quiet()
        async with a_console(world) as console:
            dan, anna = await console.browser("dan"), await console.browser("anna")
            listed = (await dan.get("/quarantine")).words
            story = (await anna.get(f"/runs/{record.request.run_id}")).words

    assert why in words(told.text.replace("\n| ", " "))
    failed = words(alert.text)
    assert (
        f"Konnte nicht gesendet werden: die Karte „Press bell?“ für Bo Berg. E-Mail: {why}; Slack: erreicht" in failed
    )
    assert "Beheben Sie das, und schreiben Sie dann in einem Terminal: sayso dead requeue" in failed
    for page in (listed, story):
        assert why in page
        assert "They have no Slack id" not in page


async def test_an_alert_is_in_the_language_of_each_who_hears_it(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace("[people.dan]\n", '[people.dan]\nlanguage = "de"\n')
    both = toml.replace('to = ["person:dan"]', 'to = ["person:dan", "person:anna"]')

    def change(world: World) -> None:
        world.through = NoIds

    async with a_world(redis, tmp_path / "data", both, change=change) as world:
        await world.opened(await world.trigger("press bell"))

        assert await world.next_mail("dan", about="Bo Berg ist nicht zu erreichen")
        assert await world.next_mail("anna", about="Bo Berg can't be reached")
