"""A mail as bytes: its headers, parts, addresses and ids, read strictly and written plainly."""
