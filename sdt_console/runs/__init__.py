"""What we remember: the journal, its history and the fold of a run's events."""
