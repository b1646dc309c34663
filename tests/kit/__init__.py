"""What stories are told with: a sayso to run (`world`), its people (`office`), its agent (`clerk`), what is waited for.

Nothing here tests. A helper that two folders need stands here, once.
"""
