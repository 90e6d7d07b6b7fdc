"""CloudWatch Logs in the sandbox: what the tasks write, and finding it again.

``lines`` is what Spring applications say, ``plain`` what databases and the like say; ``writer`` puts it into
log groups as time goes by. ``pattern`` is the filter language, ``search`` answers FilterLogEvents,
``live_tail`` StartLiveTail, in the encoding of ``eventstream``.
"""
