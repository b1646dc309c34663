"""A card that several share and that is placed late says who decides by then."""

from pathlib import Path

from tests.fakes.corkboard import Corkboard
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.stories.attacks.test_turn_out_to_be_one import are_one, file_of


async def test_attack_a_shared_card_that_is_placed_late_names_one_who_decides_no_more(
    redis: str, tmp_path: Path
) -> None:
    board = Corkboard(room={"bo", "cy", "rob"}, locked_out={"room"})

    def change(world: World) -> None:
        world.beside, world.reach = (board,), ("slack",)

    async with a_world(redis, tmp_path / "data", file_of("bo cy rob", glass="rob"), change=change) as office:
        await office.opened(await office.trigger("press bell"))
        await are_one(office, "anna", "rob")
        board.locked_out.clear()
        await office.move_time(3600)
        [card] = await until(lambda: board.at("room"), what="the card in the room", within_s=30)

        decides = {line.label: line.text for line in card.decides}
        assert decides["Who decides"] == "Bo or Cy"
        assert "In an emergency" not in decides
        assert "Rob" in decides["May not decide"]
