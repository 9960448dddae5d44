"""Networks with attention gates."""

from univox.networks.entry import CountedForm, NetworkEntry

_OPEN = (
    "no printed count is known; layers as in the first author's later code, which is not that of the paper: where "
    "the gate sits, what is resampled how, and the normalization are left open"
)

ENTRIES = (
    NetworkEntry(
        name="multi-skip-attention-unet",
        title="Attention 3D U-Net, MobileNetV2",
        year=2022,
        path="univox.networks.multi_skip_attention_unet.MultiSkipAttentionUNet",
        source="Nodirov, Abdusalomov, Whangbo: Attention 3D U-Net with Multiple Skip Connections for Segmentation of "
        "Brain Tumor Images, Sensors 2022",
        forms=(
            CountedForm(4, 1, 3, reason=_OPEN),
            CountedForm(3, 1, 2, variant="2-D", reason=_OPEN),
        ),
    ),
)
