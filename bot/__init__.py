"""The bot: rooms in floors, as `docs/architecture.md` draws them. A room imports only rooms below it."""
