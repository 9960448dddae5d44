"""Studies of several datasets: one network for all of them, and one dataset more."""
