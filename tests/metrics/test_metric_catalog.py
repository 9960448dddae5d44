"""Every metric of the catalog against two oracles: its definition voxel by voxel, and a library's."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the library's own habit
from scipy import sparse, stats
from scipy.spatial import distance

from univox.judging.measures import Measures
from univox.judging.scores import evaluate_arrays, evaluate_segments
from univox.metrics import connected_segments

Voxels = set[tuple[int, ...]]
Masks = tuple[np.ndarray, np.ndarray]
TOLERANCE_MM = 2.1
SPACING_MM = {2: (0.7, 2.5), 3: (3.0, 0.5, 1.2)}
SHAPES = [(6, 7), (4, 5, 6)]
EVERYTHING = Measures(metrics=("all",), tolerance_mm=TOLERANCE_MM)


def random_masks(shape: tuple[int, ...], seed: int) -> Masks:
    """Give two masks that share some voxels; how dense they are differs from seed to seed."""
    random = np.random.default_rng(seed)
    label = random.random(shape) < random.uniform(0.1, 0.7)
    return label, np.where(random.random(shape) < 0.7, label, random.random(shape) < 0.3)


def extreme_masks(shape: tuple[int, ...]) -> list[Masks]:
    nothing, everything, some = np.zeros(shape, bool), np.ones(shape, bool), random_masks(shape, 0)[0]
    return list(itertools.product((nothing, everything, some), repeat=2))


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def neighbors(voxel: tuple[int, ...], *, corners: bool) -> Iterator[tuple[int, ...]]:
    for step in itertools.product((-1, 0, 1), repeat=len(voxel)):
        if any(step) and (corners or sum(map(abs, step)) == 1):
            yield tuple(i + s for i, s in zip(voxel, step, strict=True))


def pieces(voxels: Voxels, *, corners: bool) -> list[Voxels]:
    left, found = set(voxels), []
    while left:
        piece, edge = set(), {left.pop()}
        while edge:
            piece |= edge
            edge = {other for voxel in edge for other in neighbors(voxel, corners=corners)} & left
            left -= edge
        found.append(piece)
    return found


def nearest(voxels: Voxels, others: Voxels, spacing_mm: tuple[float, ...]) -> list[float]:
    here, there = (
        [voxel for voxel in side if any(n not in side for n in neighbors(voxel, corners=False))]
        for side in (voxels, others)
    )
    scaled = [np.multiply(other, spacing_mm) for other in there]
    return [min((math.dist(np.multiply(v, spacing_mm), s) for s in scaled), default=math.inf) for v in here]


def ranked(distances: list[float], percent: float) -> float:
    rank = (len(distances) - 1) * percent / 100
    below, above = sorted(distances)[math.floor(rank)], sorted(distances)[math.ceil(rank)]
    return below if below == above else below + (above - below) * (rank - math.floor(rank))


def surfaces_by_hand(forth: list[float], back: list[float]) -> dict[str, float]:
    both = forth + back
    if not both:
        return dict.fromkeys(("hd_mm", "hd95_mm", "assd_mm", "surface_dice"), math.nan)
    if not (forth and back):
        return {"hd_mm": math.inf, "hd95_mm": math.inf, "assd_mm": math.inf, "surface_dice": 0.0}
    return {
        "hd_mm": max(both),
        "hd95_mm": max(ranked(forth, 95), ranked(back, 95)),
        "assd_mm": math.fsum(both) / len(both),
        "surface_dice": sum(d <= TOLERANCE_MM for d in both) / len(both),
    }


def mhd_by_hand(label: np.ndarray, prediction: np.ndarray, axis: int) -> float:
    here, there = (np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis]).tolist() for mask in (label, prediction))
    means = []
    for lines, others in ((here, there), (there, here)):
        least = [min(math.sqrt(sum(p != q for p, q in zip(a, b, strict=True))) for b in others) for a in lines]
        means.append(math.fsum(least) / len(least))
    return max(means)


def lesions_by_hand(label: list[Voxels], prediction: list[Voxels]) -> dict[str, float]:
    found = sum(any(a & b for b in prediction) for a in label)
    right = sum(any(a & b for a in label) for b in prediction)
    recall, precision = ratio(found, len(label)), ratio(right, len(prediction))
    f1 = math.nan if not (label or prediction) else ratio(2 * recall * precision, recall + precision)
    return {
        "lesions_label": len(label),
        "lesions_prediction": len(prediction),
        "lesions_found": found,
        "lesions_missed": len(label) - found,
        "lesions_false": len(prediction) - right,
        "lesion_recall": recall,
        "lesion_precision": precision,
        "lesion_f1": 0.0 if math.isnan(f1) and (label or prediction) else f1,
    }


def by_hand(label: np.ndarray, prediction: np.ndarray, spacing_mm: tuple[float, ...]) -> dict[str, float]:
    here, there = ({tuple(map(int, voxel)) for voxel in np.argwhere(mask)} for mask in (label, prediction))
    both, all_voxels = len(here & there), label.size
    size = math.prod(spacing_mm) / (1000 if label.ndim == 3 else 1)
    more = len(there) - len(here)
    along = {"dhw"[axis - label.ndim]: mhd_by_hand(label, prediction, axis) for axis in range(label.ndim)}
    nowhere = not (here or there)
    return {
        "dice": ratio(2 * both, len(here) + len(there)),
        "iou": ratio(both, len(here | there)),
        "precision": ratio(both, len(there)),
        "recall": ratio(both, len(here)),
        "specificity": ratio(all_voxels - len(here | there), all_voxels - len(here)),
        "accuracy": (all_voxels - len(here ^ there)) / all_voxels,
        **surfaces_by_hand(nearest(here, there, spacing_mm), nearest(there, here, spacing_mm)),
        "volume_label": len(here) * size,
        "volume_prediction": len(there) * size,
        "volume_difference": more * size,
        "volume_difference_percent": 100 * more / len(here) if here else (math.inf if there else math.nan),
        "volume_similarity": 1 - abs(more) / (len(here) + len(there)) if here or there else math.nan,
        **{f"mhd_{letter}": math.nan if nowhere else value for letter, value in along.items()},
        "mhd_3d": math.nan if nowhere else math.fsum(along.values()) / len(along),
        **lesions_by_hand(*(pieces(voxels, corners=True) for voxels in (here, there))),
    }


def image_of(mask: np.ndarray, spacing_mm: tuple[float, ...]) -> sitk.Image:
    """Give the mask with a margin, so that the edge of the array is an edge of the object for the library too."""
    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    return image


def surfaces_by_library(images: list[sitk.Image]) -> dict[str, float]:
    contours = [sitk.LabelContour(image, fullyConnected=False) for image in images]
    maps = [sitk.SignedMaurerDistanceMap(c, squaredDistance=False, useImageSpacing=True) for c in contours]
    arrays = [[sitk.GetArrayFromImage(image) for image in side] for side in (contours, maps)]
    forth, back = (np.abs(arrays[1][1 - k])[arrays[0][k] > 0] for k in (0, 1))
    both = np.concatenate([forth, back])
    return {
        "hd_mm": float(both.max()),
        "hd95_mm": float(max(np.percentile(forth, 95), np.percentile(back, 95))),
        "assd_mm": float(both.mean()),
        "surface_dice": float(np.mean(both <= TOLERANCE_MM + 1e-4)),
    }


def lesions_by_library(images: list[sitk.Image]) -> dict[str, float]:
    maps = [sitk.ConnectedComponent(image, True) for image in images]
    touched = []
    for numbered, other in ((maps[0], images[1]), (maps[1], images[0])):
        inside = sitk.LabelStatisticsImageFilter()
        inside.Execute(other, numbered)
        names = [name for name in inside.GetLabels() if name]
        touched.append([inside.GetMaximum(name) > 0 for name in names])
    found, right = (sum(side) for side in touched)
    recall, precision = found / len(touched[0]), right / len(touched[1])
    return {
        "lesions_label": len(touched[0]),
        "lesions_prediction": len(touched[1]),
        "lesions_found": found,
        "lesions_missed": len(touched[0]) - found,
        "lesions_false": len(touched[1]) - right,
        "lesion_recall": recall,
        "lesion_precision": precision,
        "lesion_f1": float(stats.hmean([recall, precision])),
    }


def mhd_by_library(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    along = {}
    for axis in range(label.ndim):
        sides = [np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis]) for mask in (label, prediction)]
        pairs = np.sqrt(distance.cdist(*sides, "hamming") * label.shape[axis])
        along[f"mhd_{'dhw'[axis - label.ndim]}"] = float(max(pairs.min(axis=0).mean(), pairs.min(axis=1).mean()))
    return {**along, "mhd_3d": float(np.mean(list(along.values())))}


def by_library(label: np.ndarray, prediction: np.ndarray, spacing_mm: tuple[float, ...]) -> dict[str, float]:
    images = [image_of(mask, spacing_mm) for mask in (label, prediction)]
    measured = sitk.LabelOverlapMeasuresImageFilter()
    measured.Execute(images[1], images[0])  # the library's source is our prediction
    # Whoever errs about the outside errs about the object: specificity is the recall of all that is not the class.
    outside = sitk.LabelOverlapMeasuresImageFilter()
    outside.Execute(*(sitk.GetImageFromArray((~mask).astype(np.uint8)) for mask in (prediction, label)))
    shapes = []
    for image in images:
        shape = sitk.LabelShapeStatisticsImageFilter()
        shape.Execute(image)
        shapes.append(shape.GetPhysicalSize(1) / (1000 if label.ndim == 3 else 1))
    wrong = sitk.GetArrayFromImage(sitk.Xor(*images)).sum()
    return {
        "dice": measured.GetDiceCoefficient(),
        "iou": measured.GetJaccardCoefficient(),
        "precision": 1 - measured.GetFalseDiscoveryRate(),
        "recall": 1 - measured.GetFalseNegativeError(1),
        "specificity": 1 - outside.GetFalseNegativeError(1) if not label.all() else math.nan,
        "accuracy": 1 - wrong / label.size,
        **surfaces_by_library(images),
        "volume_label": shapes[0],
        "volume_prediction": shapes[1],
        "volume_difference": shapes[1] - shapes[0],
        "volume_difference_percent": 100 * (shapes[1] / shapes[0] - 1),
        "volume_similarity": 1 - abs(measured.GetVolumeSimilarity()) / 2,
        **mhd_by_library(label, prediction),
        **lesions_by_library(images),
    }


def judged(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    spacing_mm = SPACING_MM[label.ndim]
    maps = label.astype(np.uint8), prediction.astype(np.uint8)
    (score,) = evaluate_arrays(*maps, class_names=("rest", "it"), spacing_mm=spacing_mm, measures=EVERYTHING)
    return dict(score.values)


def assert_same(found: dict[str, float], expected: dict[str, float], *, rel: float) -> None:
    """Compare every figure; the library measures distances in single precision, so `rel` bounds what is near 0 too."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=rel, abs=rel, nan_ok=True), name


@pytest.mark.parametrize("shape", SHAPES)
def test_classes_by_definition(shape: tuple[int, ...]) -> None:
    cases = [random_masks(shape, seed) for seed in range(8)] + extreme_masks(shape)
    for label, prediction in cases:
        assert_same(judged(label, prediction), by_hand(label, prediction, SPACING_MM[len(shape)]), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_classes_by_library(shape: tuple[int, ...]) -> None:
    cases = [random_masks(shape, seed) for seed in range(8)] + extreme_masks(shape)
    for label, prediction in cases:
        if label.any() and prediction.any():  # of an empty mask the library has no answer
            assert_same(judged(label, prediction), by_library(label, prediction, SPACING_MM[len(shape)]), rel=1e-5)


def entropy(names: Iterable[object]) -> float:
    counts = list(Counter(names).values())
    return -math.fsum(n / sum(counts) * math.log2(n / sum(counts)) for n in counts)


def segments_by_hand(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Over all pairs of voxels inside the label; what is predicted as border is alone."""
    sides = []
    for mask in (label, prediction):
        divided = pieces({tuple(map(int, voxel)) for voxel in np.argwhere(mask)}, corners=False)
        sides.append({voxel: name for name, piece in enumerate(divided) for voxel in piece})
    voxels = list(sides[0])
    here = [sides[0][voxel] for voxel in voxels]
    there: list[object] = [sides[1].get(voxel, voxel) for voxel in voxels]
    pairs = [[(a == b, c == d) for a, c in zip(here, there, strict=True)] for b, d in zip(here, there, strict=True)]
    flat = [pair for row in pairs for pair in row]
    of_label, of_prediction, of_both = (sum(map(rule, flat)) for rule in (lambda p: p[0], lambda p: p[1], all))
    split, merge = ratio(of_both, of_label), ratio(of_both, of_prediction)
    together = entropy(zip(here, there, strict=True))
    nan = math.nan if not voxels else 0.0
    shared = entropy(here) + entropy(there) - together
    mean = (entropy(here) + entropy(there)) / 2
    return {
        "rand_error": 1 - ratio(2 * split * merge, split + merge),
        "rand_split": split,
        "rand_merge": merge,
        "information_score": (shared / mean if mean else 1.0) + nan,
        "information_split": together - entropy(here) + nan,
        "information_merge": together - entropy(there) + nan,
        "variation_of_information": 2 * together - 2 * mean + nan,
        "pixel_error": float(np.mean(label != prediction)),
    }


def segments_by_library(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """From the table of contingency, where every voxel of the label lies in a predicted segment."""
    maps = [
        sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), False))
        for mask in (label, prediction)
    ]
    here, there = (numbered[label] for numbered in maps)
    table = sparse.coo_matrix((np.ones(here.size), (here, there))).toarray()
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    bits = [float(stats.entropy(counts, base=2)) for counts in (rows, columns, table.ravel())]
    split, merge = ((table**2).sum() / (counts**2).sum() for counts in (rows, columns))
    return {
        "rand_error": 1 - float(stats.hmean([split, merge])),
        "rand_split": split,
        "rand_merge": merge,
        "information_score": 2 * (bits[0] + bits[1] - bits[2]) / (bits[0] + bits[1]) if bits[2] else 1.0,
        "information_split": bits[2] - bits[0],
        "information_merge": bits[2] - bits[1],
        "variation_of_information": 2 * bits[2] - bits[0] - bits[1],
        "pixel_error": float(distance.hamming(label.ravel(), prediction.ravel())),
    }


def judged_whole(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    maps = label.astype(np.uint8), prediction.astype(np.uint8)
    return evaluate_segments(*maps, interior=[1], measures=Measures(metrics=("segments",)))


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_cases_by_definition(shape: tuple[int, ...]) -> None:
    cases = [random_masks(shape, seed) for seed in range(6)] + extreme_masks(shape)
    for label, prediction in cases:
        assert_same(judged_whole(label, prediction), segments_by_hand(label, prediction), rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_cases_by_library(shape: tuple[int, ...]) -> None:
    for seed in range(6):
        label, prediction = random_masks(shape, seed)
        covering = prediction | label
        assert_same(judged_whole(label, covering), segments_by_library(label, covering), rel=1e-9)
        theirs = sitk.GetArrayFromImage(sitk.ConnectedComponent(image_of(label, SPACING_MM[len(shape)]), False))
        assert len(np.unique(np.stack([connected_segments(label)[label], theirs[np.pad(label, 1)]]), axis=1).T) == (
            theirs.max()
        )


def test_objects_by_hand() -> None:
    # Of four nuclei one is found to the voxel, one by IoU 0.75, one by 0.5; one is missed and one made up.
    label = np.array([[1, 1, 0, 2, 2, 2, 2, 0, 3, 3, 0, 4, 0, 0, 0]])
    prediction = np.array([[1, 1, 0, 2, 2, 2, 0, 0, 3, 0, 0, 0, 0, 5, 5]])
    found = evaluate_segments(
        label > 0, prediction > 0, interior=[1], measures=Measures(metrics=("objects",)), objects=(label, prediction)
    )
    expected = {
        "object_ap": (3 / 5 + 5 * 2 / 6 + 4 * 1 / 7) / 10,
        "object_ap_50": 3 / 5,
        "object_ap_75": 2 / 6,
        "object_f1": 3 / 4,
        "segmentation_quality": 2.25 / 3,
        "panoptic_quality": 0.75 * 0.75,
    }
    assert_same(found, expected, rel=1e-12)
    # The same cells lie apart, so that their components are the same objects.
    assert_same(judged_objects(label > 0, prediction > 0), expected, rel=1e-12)
    nothing = np.zeros((2, 2), bool)
    assert all(math.isnan(value) for value in judged_objects(nothing, nothing).values())


def judged_objects(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    return evaluate_segments(label, prediction, interior=[1], measures=Measures(metrics=("objects",)))
