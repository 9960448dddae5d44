"""Images and labels on one grid, read from and written to the usual formats."""

from univox.image.affine import Orientation
from univox.image.formats import (
    IMAGE_SUFFIXES,
    WRITABLE_SUFFIXES,
    image_stem,
    image_suffix,
    read_geometry,
    read_image,
    read_label,
    write_image,
    write_label,
)
from univox.image.image import Geometry, Image, Label, StoredGrid, grid_difference, world_aligned
from univox.image.part import image_box, image_part
from univox.image.resample import resample, resample_label, resampled_shape

__all__ = [
    "IMAGE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Geometry",
    "Image",
    "Label",
    "Orientation",
    "StoredGrid",
    "grid_difference",
    "image_box",
    "image_part",
    "image_stem",
    "image_suffix",
    "read_geometry",
    "read_image",
    "read_label",
    "resample",
    "resample_label",
    "resampled_shape",
    "world_aligned",
    "write_image",
    "write_label",
]
