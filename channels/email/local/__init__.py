"""The mail inside `sayso dev`: a server on loopback, Maildirs, and letters as a terminal shows them."""
