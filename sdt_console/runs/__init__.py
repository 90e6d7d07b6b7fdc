"""What we remember: the journal, the recorder that writes it, and the fold of a run's events."""
