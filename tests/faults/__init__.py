"""Faults: processes killed, disks full, engines and networks gone in the middle of a run."""
