"""The U-Net of 2015, the 3D U-Net of 2016, and a U-Net with another network's encoder."""

from univox.networks.entry import CountedForm, NetworkEntry

_UNPUBLISHED = "a form that no publication counts"

ENTRIES = (
    NetworkEntry(
        name="unet",
        title="U-Net",
        year=2015,
        path="univox.networks.unet.UNet",
        source="Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, "
        "MICCAI 2015",
        forms=(
            CountedForm(1, 2, 2, reason="the paper prints no count; the layers of its Fig. 1 hold 31,030,658 numbers"),
            CountedForm(1, 2, 3, variant="3-D, padded", arguments={"padded": True}, reason=_UNPUBLISHED),
        ),
    ),
    NetworkEntry(
        name="unet3d",
        title="3D U-Net",
        year=2016,
        path="univox.networks.unet3d.UNet3D",
        source="Cicek, Abdulkadir, Lienkamp, Brox, Ronneberger: 3D U-Net: Learning Dense Volumetric Segmentation from "
        "Sparse Annotation, MICCAI 2016",
        forms=(
            CountedForm(
                3,
                3,
                3,
                published=19_069_955,
                counter="univox.networks.unet3d.count_without_normalization",
                rule="without the scales and shifts of normalizations; up-convolutions have no bias",
            ),
            CountedForm(1, 2, 2, variant="2-D, padded", arguments={"padded": True}, reason=_UNPUBLISHED),
        ),
    ),
    NetworkEntry(
        name="unet-vgg16",
        title="U-Net with a VGG-16 encoder",
        year=2018,
        path="univox.networks.vgg_unet.VGGUNet",
        source="this project, after Iglovikov, Shvets: TernausNet: U-Net with VGG11 Encoder Pre-Trained on ImageNet "
        "for Image Segmentation, 2018",
        forms=(
            CountedForm(
                3, 2, 2, reason="the way up is this project's own; the encoder's 14,714,688 numbers are those of VGG-16"
            ),
        ),
    ),
)
