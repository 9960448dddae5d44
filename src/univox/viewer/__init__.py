"""Cases and patches as pictures."""
