"""What arrived from people becomes a run, an answer or a word to a run, or is quarantined.

Others use `Inbox`. Nothing here counts as an approval before `requests.decisions` has judged it.
"""
