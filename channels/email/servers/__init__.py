"""Mail servers of one's own: where they are, how to log in, and the mailbox over IMAP."""
