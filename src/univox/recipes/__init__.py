"""Every choice of a run, as data."""
