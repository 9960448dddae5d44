"""The Non-local U-Net, its released form and the models of its ablation."""

from univox.networks.entry import CountedForm, NetworkEntry

_UNPRINTED = (
    "the paper prints no count of its ablation models; stem, order of layers and bottom convolution are chosen here"
)


def _ablation(number: int) -> CountedForm:
    name = f"model{number}"
    return CountedForm(2, 4, 3, variant=name, arguments={"variant": name}, reason=_UNPRINTED)


ENTRIES = (
    NetworkEntry(
        name="nonlocal-unet",
        title="Non-local U-Net",
        year=2020,
        path="univox.networks.nonlocal_unet.NonLocalUNet",
        source="Wang, Zou, Shen, Ji: Non-local U-Nets for Biomedical Image Segmentation, AAAI 2020",
        forms=(
            CountedForm(2, 4, 3, published=1_821_124),
            CountedForm(
                2,
                4,
                3,
                variant="released",
                arguments={"variant": "released"},
                published=1_821_124,
                reason="the released file has a bare transposed convolution in place of the second attention block",
            ),
            *(_ablation(number) for number in (1, 2, 3, 4, 5)),
        ),
    ),
)
