"""E-mail as a channel: a mailbox in, SMTP out, a reply token that a person's answer brings back.

`channel` is the adapter. A mail comes in by `mailbox`, is told from other copies by its fingerprint, and is read by
`reading` in a child process (`sandbox`): did a `machine` write it, or is it a `bounce`; who really wrote it
(`identity`); what they said (`reply`) and attached (`attachments`); which card it answers (`tokens`), and whether it is
about that card (`binding`). A card goes out by `cards`, `mime` and `transport`.

The rooms below it: `format` (a mail as bytes), `identity` (what proves who wrote it), `reply` (what is new in it, and
words that decide), `servers` (one's own, over IMAP), `local` (the one inside `sayso dev`). Others use
`channel.EmailChannel` and what it is built from. Nothing here knows what a run is or who may decide.
"""
