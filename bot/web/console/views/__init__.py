"""What pages show, put together from records and runs. Pure."""
