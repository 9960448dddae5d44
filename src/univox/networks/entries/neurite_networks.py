"""Networks of electron microscopy of nervous tissue: residual symmetric U-Net, residual deconvolutional network."""

from univox.networks.entry import CountedForm, NetworkEntry

_PAPERS_WIDTHS = {"widths": (28, 36, 48, 64, 80), "first_kernel": (1, 3, 3)}
_NO_COUNT = "no printed count is known; layers as in the first author's code, whose count this is"
_THIRD_PARTY = "no printed count is known; the paper's widths as in a third party's code, whose count this is"

ENTRIES = (
    NetworkEntry(
        name="residual-symmetric-unet",
        title="Residual symmetric U-Net",
        year=2017,
        path="univox.networks.residual_symmetric_unet.ResidualSymmetricUNet",
        source="Lee, Zung, Li, Jain, Seung: Superhuman Accuracy on the SNEMI3D Connectomics Challenge, "
        "arXiv 1706.00120, 2017",
        forms=(
            CountedForm(1, 2, 3, reason=_NO_COUNT),
            CountedForm(1, 2, 3, variant="paper's widths", arguments=_PAPERS_WIDTHS, reason=_THIRD_PARTY),
            CountedForm(1, 2, 2, variant="2-D", reason=f"{_NO_COUNT}, less the kernels' first axis"),
        ),
    ),
    NetworkEntry(
        name="residual-deconvolutional",
        title="Residual deconvolutional network",
        year=2017,
        path="univox.networks.residual_deconvolutional.ResidualDeconvolutionalNetwork",
        source="Fakhry, Zeng, Ji: Residual Deconvolutional Networks for Brain Electron Microscopy Image Segmentation, "
        "IEEE Transactions on Medical Imaging 2017",
        forms=tuple(
            CountedForm(
                channels,
                classes,
                dims,
                variant=variant,
                reason="no layer table, code or count is at hand: two pathways, residual connections and "
                "deconvolutions are published, widths, depth and blocks are chosen here",
            )
            for channels, classes, dims, variant in ((3, 1, 2, ""), (1, 2, 3, "3-D"))
        ),
    ),
)
