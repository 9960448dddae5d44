"""This project's own networks."""

from univox.networks.entry import CountedForm, NetworkEntry

_OWN = "this project's own"

ENTRIES = (
    NetworkEntry(
        name="residual-unet",
        title="univox residual U-Net",
        year=2026,
        path="univox.networks.residual_unet.ResidualUNet",
        source="this project",
        forms=(
            CountedForm(reason=_OWN),
            CountedForm(variant="separable", arguments={"convolution": "separable"}, reason=_OWN),
        ),
    ),
)
