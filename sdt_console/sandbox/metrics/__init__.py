"""CloudWatch metrics and alarms in the sandbox.

``story`` remembers what the services lived through, ``series`` makes minutes of metrics from it, ``stats``
sums minutes up, ``expressions`` is metric math; ``api`` answers the calls, ``alarms`` judges.
"""
