"""Reading and following logs: history first, then live, each event once and in the order of time.

``reading`` walks the pages of one group, ``seen`` knows what was there already, ``window`` puts the events of
all groups in order and stack traces together, ``understand`` tells levels and unfolds JSON, ``sieve`` picks,
``tail`` ties them, ``live`` adds Live Tail, and ``backlog`` is for those who must not be waited for.
"""
