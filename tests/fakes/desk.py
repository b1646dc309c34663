"""A desk at which nothing lies: for channels that are received from alone."""

from collections.abc import Mapping

from channels import Card, ChannelRefused, Overview


class EmptyDesk:
    """Knows no card, and nothing that concerns anybody."""

    async def card(self, token: str, person: str) -> Card:
        """There is none."""
        raise ChannelRefused(f"{person} asks for {token}, and there is no card here", "Ask another desk")

    async def misfits(self, token: str, filled: Mapping[str, str]) -> Mapping[str, str]:
        """There is no form."""
        return {}

    def usage(self) -> str:
        """Return nothing to ask for."""
        return ""

    async def overview(self, person: str) -> Overview:
        """Return an empty overview."""
        assert person
        return Overview()
