"""Cross-validation: every fold trained, its cases predicted, and all out-of-fold predictions judged together."""
