"""sdt-console: the engine behind the terminal console and ``sdt --ci``.

The map: a run walks these stages in this order, a file each in :mod:`sdt_console.pipeline`.

detect    commits → files → services, each with its reason
plan      catalog + selections + live revisions → what will be built and deployed, in which order
preflight what a run rests on, looked at before its first change: all findings at once
gate      what must hold before anything is built
build     one image a service, from the head commit's files
push      the commit's tag, its digest seen in ECR; then ``latest``, never backwards
deploy    wave by wave; each rollout judged by its own deployment
health    counts, and HTTP through the load balancer
rollback  after a failure: back to the revision known to be good
"""

__version__ = "0.1.0"
