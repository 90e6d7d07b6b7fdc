"""Amazon ECS in the sandbox: the API over its own state, and the scheduler that moves it.

``api`` dispatches a call to the module of its noun (``clusters``, ``task_definitions``, ``services``,
``tasks``, ``deployments``, ``tags``); ``scheduler`` starts and stops tasks, ``placement`` makes them,
``lifecycle`` leads one through its states, ``rollout`` judges deployments, ``targets`` keeps the load
balancer's view of them. ``views`` turns state into what goes over the wire.
"""
