"""Sayso's Redis scripts by name, as the product has them."""

from importlib import resources

from bot.store.client import PRELUDE, Script

_FOLDER = resources.files("bot.store").joinpath("lua")
SCRIPTS = [
    Script(file.name.removesuffix(".lua"))
    for file in _FOLDER.iterdir()
    if file.name.endswith(".lua") and file.name not in PRELUDE
]
