"""Two cards that both begin at the same version: the second approval does not silently roll the first deploy back."""

from tests.test_tour import commit_of, live
from tests.world import World


async def test_a_deploy_whose_base_changed_after_its_card_is_asked_again_with_what_changed(shop: World) -> None:
    first, second = [await shop.trigger(f"deploy {version} to production") for version in ("v1.2.0", "v1.1.0")]
    newer, older = await shop.opened(first), await shop.opened(second)
    await shop.decide("bo", newer, "approve")
    await shop.ended(first)

    await shop.decide("bo", older, "approve")
    card = await shop.next_mail("bo", about="Changed since the last card")

    was, now = commit_of(shop, "v1.0.0"), commit_of(shop, "v1.2.0")
    assert (await shop.request(older.request.id)).state == "superseded"
    assert f"live in production was {was} and is now {now}." in card.text
    assert "Takes back" in card.text
    assert live(shop, "production") == now
    await shop.reply("bo", card, "approved")
    assert (await shop.ended(second)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.1.0")
