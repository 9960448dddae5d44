"""Nested, dilated, dual-channel and attention U-Nets of our own."""

from univox.networks.entry import CountedForm, NetworkEntry

_INFERRED = "a 3-D form was not published"
_NOT_AT_HAND = "the paper was not at hand: the figure is known second-hand and was not checked against it"

ENTRIES = (
    NetworkEntry(
        name="unetpp",
        title="UNet++",
        year=2018,
        path="univox.networks.nested_unet.NestedUNet",
        source="Zhou, Siddiquee, Tajbakhsh, Liang: UNet++: A Nested U-Net Architecture for Medical Image Segmentation, "
        "DLMIA 2018",
        forms=(
            CountedForm(
                3,
                1,
                2,
                published=9_040_000,
                rounded_to=10_000,
                reason=f"{_NOT_AT_HAND}; the layers are those that meet it",
            ),
            CountedForm(1, 2, 3, variant="3-D", reason=_INFERRED),
        ),
    ),
    NetworkEntry(
        name="raunet",
        title="RAUNet",
        year=2019,
        path="univox.networks.raunet.RAUNet",
        source="Ni et al.: RAUNet: Residual Attention U-Net for Semantic Segmentation of Cataract Surgical "
        "Instruments, ICONIP 2019",
        forms=(
            CountedForm(
                3,
                1,
                2,
                reason="no printed count is known; the layers, read in the released code nizhenliang/RAUNet, "
                "count 22,143,265",
            ),
            CountedForm(1, 2, 3, variant="3-D", reason=_INFERRED),
        ),
    ),
    NetworkEntry(
        name="dcunet",
        title="DC-UNet",
        year=2021,
        path="univox.networks.dcunet.DCUNet",
        source="Lou, Guan, Loew: DC-UNet: Rethinking the U-Net Architecture with Dual Channel Efficient CNN for "
        "Medical Image Segmentation, SPIE Medical Imaging 2021",
        forms=(
            CountedForm(
                3,
                1,
                2,
                arguments={"head": "released"},
                published=10_069_640,
                reason="the layers are those of the released PyTorch code, which count 10,811,071; the printed figure "
                "(known second-hand) is that of the Keras code for 1 channel, running statistics included: no "
                "projection beside the chains, no learned scales",
            ),
            CountedForm(
                3, 1, 2, variant="logits", reason="the head that the default has: a biased convolution, without tanh"
            ),
            CountedForm(1, 2, 3, variant="3-D", arguments={"head": "released"}, reason=_INFERRED),
        ),
    ),
    NetworkEntry(
        name="sdunet",
        title="SDU-Net",
        year=2020,
        path="univox.networks.sdunet.SDUNet",
        source="Wang et al.: U-Net using stacked dilated convolutions for medical image segmentation, arXiv 2004.03466",
        forms=(
            CountedForm(
                3,
                1,
                2,
                reason="no absolute count is known, only ratios, which widths and splits were chosen to meet: 40 % of "
                "U-Net, 17 % of Attention U-Net, 15 % of R2U-Net; other networks share the name",
            ),
            CountedForm(1, 2, 3, variant="3-D", reason="no count was published"),
        ),
    ),
)
