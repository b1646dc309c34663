"""What starts runs without a person: times, signed webhooks, GitHub; and signed reports for runs that wait."""
