"""When jobs run, and that each slot runs once: schedules, the run ledger, the scheduler."""
