"""Networks whose layers are MONAI's."""

from univox.networks.entry import CountedForm, NetworkEntry

_UNPRINTED = "no printed count was at hand"
_SECOND_HAND = "the printed figure is known second-hand and was not checked against the paper"
_LIBRARY = "MONAI"

ENTRIES = (
    NetworkEntry(
        name="vnet",
        title="V-Net",
        year=2016,
        path="univox.networks.vnet.VNet",
        library=_LIBRARY,
        source="Milletari, Navab, Ahmadi: V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image "
        "Segmentation, 3DV 2016",
        forms=(
            CountedForm(
                reason=f"{_UNPRINTED}; MONAI has batch norm and fewer convolutions than the paper, whose layers count "
                "65,171,858 (biases, no normalization, without PReLU)"
            ),
            CountedForm(
                variant="paper's convolutions",
                arguments={"down_convolutions": (2, 3, 3, 3), "up_convolutions": (3, 3, 2, 1)},
                reason=f"{_UNPRINTED}; as many convolutions as the paper, with MONAI's batch norm in place of biases, "
                "and its output layer",
            ),
        ),
    ),
    NetworkEntry(
        name="attention-unet",
        title="Attention U-Net",
        year=2018,
        path="univox.networks.library_unets.AttentionUNet",
        library=_LIBRARY,
        source="Oktay et al.: Attention U-Net: Learning Where to Look for the Pancreas, MIDL 2018",
        forms=(
            CountedForm(
                published=6_400_000,
                rounded_to=10_000,
                reason=f"{_SECOND_HAND}; MONAI's gates read the enlarged coarser level and work at the skip's width, "
                "and it has transposed convolutions and batch norm",
            ),
        ),
    ),
    NetworkEntry(
        name="resunet",
        title="ResUNet",
        year=2018,
        path="univox.networks.library_unets.ResUNet",
        library=_LIBRARY,
        source="Zhang, Liu, Wang: Road Extraction by Deep Residual U-Net, IEEE GRSL 2018",
        forms=(
            CountedForm(
                3,
                1,
                2,
                published=7_800_000,
                rounded_to=100_000,
                reason=f"{_SECOND_HAND}; MONAI's network of the same widths starts at half resolution and has one "
                "convolution a unit in the decoder",
            ),
            CountedForm(variant="3-D", reason="a 3-D form was not published"),
        ),
    ),
    NetworkEntry(
        name="segresnet",
        title="SegResNet",
        year=2018,
        path="univox.networks.library_unets.SegResNet",
        library=_LIBRARY,
        source="Myronenko: 3D MRI brain tumor segmentation using autoencoder regularization, BrainLes 2018",
        forms=(CountedForm(reason=f"{_UNPRINTED}; MONAI's default width, without the autoencoder branch"),),
    ),
    NetworkEntry(
        name="swin-unetr",
        title="Swin UNETR",
        year=2022,
        path="univox.networks.swin_unetr.SwinUNETR",
        library=_LIBRARY,
        source="Hatamizadeh et al.: Swin UNETR: Swin Transformers for Semantic Segmentation of Brain Tumors in MRI "
        "Images, arXiv 2201.01266, 2022",
        forms=(CountedForm(reason=f"{_UNPRINTED}; MONAI's default width"),),
    ),
)
