"""Ties what ``watch/`` sees to the clients of an engine: one module for each thing that is watched."""
