"""Who a mail says it is from, and what proves it."""
