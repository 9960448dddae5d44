"""Small U-Nets whose coarse levels mix channels."""

from univox.networks.entry import CountedForm, NetworkEntry

_INFERRED = "a 3-D form was not published"
_SMALL = (8, 16, 32, 64, 128)

ENTRIES = (
    NetworkEntry(
        name="unext",
        title="UNeXt",
        year=2022,
        path="univox.networks.unext.UNeXt",
        source="Valanarasu, Patel: UNeXt: MLP-based Rapid Medical Image Segmentation Network, MICCAI 2022",
        forms=(
            CountedForm(
                3,
                1,
                2,
                published=1_470_000,
                rounded_to=10_000,
                reason="the figure is known second-hand and was not checked against the paper; widths as released, "
                "those of the paper's text count 1,580,961",
            ),
            CountedForm(
                3,
                1,
                2,
                variant="small",
                arguments={"widths": _SMALL},
                reason="UNeXt-S: no printed count was at hand; the released layers count 253,561",
            ),
            CountedForm(1, 2, 3, variant="3-D", reason=_INFERRED),
        ),
    ),
    NetworkEntry(
        name="lcmunet",
        title="LcmUNet",
        year=2023,
        path="univox.networks.lcmunet.LcmUNet",
        source="Zhang, Niu: LcmUNet: A Lightweight Network Combining CNN and MLP for Real-Time Medical Image "
        "Segmentation, Bioengineering 2023",
        forms=(
            CountedForm(
                3,
                1,
                2,
                published=1_490_000,
                rounded_to=10_000,
                stand_in=True,
                reason="the paper's MLP block and attention are not known; ours were chosen to meet the number",
            ),
            CountedForm(1, 2, 3, variant="3-D", reason=_INFERRED),
        ),
    ),
)
