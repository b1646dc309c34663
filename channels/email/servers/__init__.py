"""Mail servers of one's own: where they are, how to log in, and the mailbox over IMAP.

Others use `endpoint.Endpoint`, `oauth.AccessTokens`, `imap_mailbox.ImapMailbox` and `bookmark`. IMAP is known in `imap`
alone, and what a mail means is never asked here.
"""
