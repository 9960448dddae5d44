"""The networks by family; importing them imports no torch."""
