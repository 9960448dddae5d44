"""univox: U-Net-family segmentation of biomedical images, in 2-D and 3-D."""

from univox.version import __version__

__all__ = ["__version__"]
