"""Many cases at once, on one machine."""

from univox.parallel.cases import Failure, OnProgress, available_jobs, in_own_process, map_cases

__all__ = ["Failure", "OnProgress", "available_jobs", "in_own_process", "map_cases"]
