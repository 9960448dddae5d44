"""The fully convolutional networks of 2015, and a stand-in for that of 2018."""

from univox.networks.entry import CountedForm, NetworkEntry

_LAYERS = "the publication's text was not at hand for a printed count; the layers of its network files hold {} numbers"

ENTRIES = (
    NetworkEntry(
        name="fcn",
        title="FCN",
        year=2015,
        path="univox.networks.fcn.FCN",
        source="Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation, CVPR 2015",
        forms=(
            CountedForm(3, 21, 2, reason=_LAYERS.format("134,362,751")),
            CountedForm(3, 21, 2, variant="16s", arguments={"stride": 16}, reason=_LAYERS.format("134,357,354")),
            CountedForm(3, 21, 2, variant="32s", arguments={"stride": 32}, reason=_LAYERS.format("134,346,581")),
            CountedForm(1, 2, 3, variant="3-D, compact", reason="a form of this project's, with smaller last layers"),
        ),
    ),
    NetworkEntry(
        name="cc-3d-fcn",
        title="CC-3D-FCN (stand-in)",
        year=2018,
        path="univox.networks.cc_fcn.CC3DFCN",
        source="stand-in for Nie et al.: 3-D Fully Convolutional Networks for Multimodal Isointense Infant Brain Image "
        "Segmentation, IEEE Trans. Cybernetics 2018",
        forms=(
            CountedForm(
                2,
                4,
                3,
                published=2_534_276,
                stand_in=True,
                reason="the outline is published, the layers are not: they were chosen to meet the count, which many "
                "other choices meet too",
            ),
        ),
    ),
)
