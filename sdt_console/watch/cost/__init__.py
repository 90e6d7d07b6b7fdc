"""Cost: what was charged, what is to come, and what runs now costs.

``books`` asks Cost Explorer and keeps its answers in ``store``; ``figures`` are what follows from them;
``live`` prices what runs by the list in ``prices``; ``what_if`` and ``publish`` are built on both.
"""
