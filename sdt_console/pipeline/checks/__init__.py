"""What is looked at before the first change, read only: the account, what it holds, what we may do in it."""
