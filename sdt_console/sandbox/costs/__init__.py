"""Cost Explorer and Budgets in the sandbox, consistent with what runs.

``ledger`` says what every day cost, ``explorer`` answers Cost Explorer's calls, ``filters`` is its filter
language, ``budgets`` gives budgets their spend.
"""
