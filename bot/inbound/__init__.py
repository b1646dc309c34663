"""Inbound items from people: each becomes a run, an answer or a word to a run, or is quarantined.

Others use `Inbox`, `FollowUps` and `QuarantineReview`. Nothing here counts as an approval before
`requests.decisions` has judged it.
"""
