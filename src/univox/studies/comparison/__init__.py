"""Studies that set finished models side by side on the same cases."""
