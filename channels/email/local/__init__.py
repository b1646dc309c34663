"""The mail inside `sayso dev`: a server on loopback, Maildirs, and letters as a terminal shows them.

Others use `server.MailServer`, `maildir_mailbox.MaildirMailbox`, `letters` and `reply_mail.submit`. Nothing here leaves
the machine, and no real mailbox is touched.
"""
