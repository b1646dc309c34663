"""Copies of the store in files: one moment of all of it, and what such a copy means when it is put back.

Others use `copying`, `file`, `loading` and `holding`. It sends nothing and lets no run move on.
"""
