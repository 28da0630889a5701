"""The rows of the budget table, grouped by the set-up they share."""
