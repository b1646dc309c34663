"""The mail of an installation: its settings, what composes its channel, who watches the mailbox, its doctor."""
