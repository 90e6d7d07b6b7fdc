"""Who the sandbox's own credentials belong to: an IAM user that may do everything."""

from __future__ import annotations

import json

from .environment import backend

ACCESS_KEY = "AKIASANDBOX000000000"
SECRET_KEY = "sandbox"
USER = "sandbox"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def seed_caller(account: str) -> None:
    """Make the user in ``account``; only IAM's simulator asks what its policies allow."""
    iam = backend("iam", account, "aws")
    user = iam.create_user("us-east-1", USER)
    iam.put_user_policy(USER, "everything", json.dumps(_EVERYTHING))
    key = user.create_access_key("AKIA")
    key.access_key_id, key.secret_access_key = ACCESS_KEY, SECRET_KEY
    iam.access_keys[ACCESS_KEY] = key
