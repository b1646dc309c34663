"""What people read, worded by code from data. Pure.

Others use cards, views and transcripts. It reads no store and no clock, and never changes what it shows.
"""
