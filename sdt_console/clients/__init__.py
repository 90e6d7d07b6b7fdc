"""Whom we call: the only place that imports boto3, git, docker or speaks HTTP."""
