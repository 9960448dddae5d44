"""The model folder: what a run leaves behind and prediction needs.

Nothing is imported here: `univox.model.folder` reads and writes, `univox.model.card` describes.
"""
