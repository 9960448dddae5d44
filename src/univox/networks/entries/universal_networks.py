"""The 3D U2-Net: universal, shared and independent."""

from univox.networks.entry import CountedForm, NetworkEntry

_COUNTS = "univox.networks.universal_counts"
_TABLE = "without input layer, output layer and deep supervision (the paper's Table 3)"
_BASIC = {"units": "standard"}
_ONE = "the paper counts five datasets without their input and output layers, not one whole network"
_SIX = "six down-samplings (the paper's text) would count 132.6 million shared"
_WITH_STRIDED = (
    "1.7M is met by the kernels of separable convolutions alone; the released network also has 4.7 million in shared "
    "strided convolutions (all but those: 1,848,304), and biases and normalizations"
)

ENTRIES = (
    NetworkEntry(
        name="u2net",
        title="3D U2-Net",
        year=2019,
        path="univox.networks.universal_unet.UniversalUNet",
        source="Huang et al.: 3D U2-Net: A 3D Universal U-Net for Multi-Domain Medical Image Segmentation, MICCAI 2019",
        forms=(
            CountedForm(reason=_ONE),
            CountedForm(
                variant="universal of five, separable kernels",
                published=1_700_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_separable_weights",
                rule="point-wise kernels once, channel-wise kernels of five datasets; no biases, norms, strided layers",
            ),
            CountedForm(
                variant="universal of five",
                published=1_700_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_of_five",
                rule=f"shared parts once, five datasets' own, {_TABLE}",
                reason=_WITH_STRIDED,
            ),
            CountedForm(
                variant="universal, added by a dataset, kernels",
                published=100_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_added_weights",
                rule="channel-wise kernels of one dataset; no biases, norms",
            ),
            CountedForm(
                variant="universal, added by a dataset",
                published=100_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_added",
                rule=f"one dataset's own parts, {_TABLE}",
            ),
            CountedForm(variant="basic", arguments=_BASIC, reason=_ONE),
            CountedForm(
                variant="independent, sum of five",
                arguments=_BASIC,
                published=126_700_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_independent",
                rule=f"four networks of five halvings and one of three (hippocampus), {_TABLE}",
                reason="the released code gives 134.5 million; 126.7M over 30.7M is 4.13, and four networks of five "
                "halvings and one of three give 4.06 for any width that doubles with every level",
            ),
            CountedForm(
                variant="shared by five",
                arguments=_BASIC,
                published=30_700_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_of_five",
                rule=f"convolutions once, five datasets' norms, {_TABLE}",
                reason=f"the released code gives 33.1 million, with or without biases and norms; {_SIX}",
            ),
            CountedForm(
                variant="independent, added by a dataset",
                arguments=_BASIC,
                published=30_700_000,
                rounded_to=100_000,
                counter=f"{_COUNTS}.count_of_one",
                rule=f"one network of five halvings, {_TABLE}",
                reason=f"the released code gives 33.1 million, with or without biases and norms; {_SIX}",
            ),
            CountedForm(
                variant="shared, added by a dataset",
                arguments=_BASIC,
                published=0,
                counter=f"{_COUNTS}.count_added",
                rule=f"one dataset's norms, {_TABLE}",
                reason="the paper leaves normalizations out; in the released code each dataset has its own",
            ),
        ),
    ),
)
