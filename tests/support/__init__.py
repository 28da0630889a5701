"""Real servers and exact clients for the tests; nothing here is shipped."""
