"""A git repository: our mirror of one elsewhere, its versions and commits, and which of its files a deploy runs.

The deploy agent, the settings and the doctor use `git`, `mirror` and `programs`. It runs nothing of what it reads.
"""
