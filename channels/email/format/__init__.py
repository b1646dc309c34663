"""A mail as bytes: its headers, parts, addresses and ids, read strictly and written plainly.

The other rooms of mail use all of its modules: `headers`, `body`, `addresses`, `message_ids`, `shown`, `trace`. Pure:
nothing here connects, and nothing here believes what a mail says of itself.
"""
