"""Outbound messages, durably: the outbox, how a card finds its way, and what follows when it does not.

Others write outbox entries in the commit of what caused them, and use `Outbox`, `Notifier` and `Announcements`. It
never decides a request. Nothing is sent from anywhere else.
"""
