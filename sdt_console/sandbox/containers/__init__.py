"""Tasks as containers of a Docker Engine: ``sdt sandbox --docker``.

``runtime`` decides which tasks are run and speaks with the scheduler, ``process`` is one such task,
``settings`` what its containers are made of, ``programs`` whether an image holds anything to run,
``engine`` the Engine itself.
"""
