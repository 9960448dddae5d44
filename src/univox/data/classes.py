"""The classes of a dataset: the codes in its files, and the indices 0..K-1 that univox works with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from univox.data.instance_borders import Borders, between_instances
from univox.data.selection import ignored_codes, selected_codes
from univox.errors import DatasetError, LabelError

BACKGROUND = "background"
BORDER = "border"
NOT_ANNOTATED = 255
"""What stands in an array of class indices where nobody labelled; no class has this index."""
MAX_CLASSES = NOT_ANNOTATED
_MAX_TABLE_CODE = 1 << 20  # a look-up table past this is larger than it is fast


@dataclass(frozen=True)
class LabelClass:
    """One class: its name, and the codes that stand for it in the dataset's label files.

    Args:
        name: Unique in its dataset.
        codes: One code or more; the first is the one that is written.
    """

    name: str
    codes: tuple[int, ...]


@dataclass(frozen=True)
class Classes:
    """The classes of a dataset in the order of their indices; the first is the background.

    Args:
        classes: At least one, at most 255; no name and no code twice.
        instances: The label files number objects: whatever is not 0 is the second class.
        borders: What becomes, of labels that number objects, of the voxels where two of them touch: they stay
            `none`thing but object, or are `background`, or the third `class`.
        ignored: Codes of voxels that nobody labelled; no class has them. How label files are read, and no property
            of a model: `to_json` leaves them out.

    Raises:
        DatasetError: A name or code comes twice, or the number of classes is out of range.

    >>> tissue = Classes.of({0: "background", 10: "CSF", 150: "GM", 250: "WM"})
    >>> tissue.to_index(np.array([0, 250, 10]))
    array([0, 3, 1], dtype=uint8)
    >>> tissue.select("brain=GM,WM").names
    ('background', 'brain')
    """

    classes: tuple[LabelClass, ...]
    instances: bool = False
    borders: Borders = "none"
    ignored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= MAX_CLASSES or not all(c.codes for c in self.classes):
            raise DatasetError(
                expected=f"1 to {MAX_CLASSES} classes with a code each",
                got=f"{len(self.classes)} classes",
                remedy="merge classes with --classes, or say --labels-are instances if the codes number objects",
            )
        _once(self.names, "class name")
        _once((*self.codes, *self.ignored), "label code")
        if self.borders != "none" and not self.instances:
            raise DatasetError(
                expected="labels that number objects, for borders between them",
                got="labels that hold classes",
                remedy="say --labels-are instances, or leave --borders out",
            )
        own = 3 if self.borders == "class" else 2
        if self.instances and len(self.classes) != own:
            raise DatasetError(
                expected="background and one class for labels that number objects, and one for their borders if asked",
                got=f"{len(self.classes)} classes",
                remedy="name the one class, as in --classes 'nucleus=1'",
            )

    @staticmethod
    def of(names: Mapping[int, str]) -> Classes:
        """Make classes from the name of each code, in the order of the codes, 0 first.

        Code 0 is added as background where it is missing; names that come twice get their code added.
        """
        codes = sorted({0, *names}, key=lambda code: (code != 0, code))
        counts = Counter(name.strip() for name in names.values())

        def name_of(code: int) -> str:
            name = names.get(code, BACKGROUND).strip() or f"class {code}"
            return name if counts[name] <= 1 else f"{name} ({code})"

        return Classes(tuple(LabelClass(name_of(code), (code,)) for code in codes))

    @staticmethod
    def of_instances(name: str = "object", *, borders: Borders = "none") -> Classes:
        """Make the two classes of labels that number objects, and the third of their borders where that is asked.

        >>> Classes.of_instances("cell", borders="class").names
        ('background', 'cell', 'border')
        """
        classes = [LabelClass(BACKGROUND, (0,)), LabelClass(name, (1,))]
        if borders == "class":
            classes.append(LabelClass(BORDER, (2,)))
        return Classes(tuple(classes), instances=True, borders=borders)

    @property
    def num_classes(self) -> int:
        """Classes, background included."""
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the indices."""
        return tuple(label_class.name for label_class in self.classes)

    @property
    def codes(self) -> tuple[int, ...]:
        """Every declared code, selected or not, class by class."""
        return tuple(code for label_class in self.classes for code in label_class.codes)

    @property
    def border_indices(self) -> tuple[int, ...]:
        """The class of the borders between objects, where there is one."""
        return (2,) if self.borders == "class" else ()

    def undeclared(self, codes: Iterable[int]) -> tuple[int, ...]:
        """Give those of `codes` that no class declares and that are not ignored, ascending."""
        unknown = set(codes) - set(self.ignored)
        if self.instances:
            return tuple(sorted(code for code in unknown if code < 0))
        return tuple(sorted(unknown - set(self.codes)))

    def indices_of(self, codes: Iterable[int]) -> frozenset[int]:
        """Give the classes that a label with these codes may hold; two objects or more may touch."""
        found = {index for code in codes if (index := self.index_of(code)) is not None}
        return frozenset({*found, 2} if self.borders == "class" and 1 in found else found)

    def index_of(self, code: int) -> int | None:
        """Give the index of the class that `code` stands for; None if it is undeclared or ignored."""
        if code in self.ignored:
            return None
        if self.instances:
            return None if code < 0 else int(code != 0)
        for index, label_class in enumerate(self.classes):
            if code in label_class.codes:
                return index
        return None

    def to_index(self, array: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Turn the codes of a label file into class indices.

        Args:
            array: Codes as in the dataset's files, any shape.

        Returns:
            Indices 0..K-1, same shape; codes that a selection left out are 0, ignored ones `NOT_ANNOTATED`.

        Raises:
            LabelError: A code is undeclared; names it.
        """
        if array.size == 0:
            return np.zeros(array.shape, np.uint8)
        if self.instances:
            ignored = np.isin(array, self.ignored)
            self._refuse(array, (array < 0) & ~ignored)
            objects = np.where(ignored, 0, array)
            indices = (objects != 0).astype(np.uint8)
            if self.borders != "none":
                indices[between_instances(objects)] = 2 if self.borders == "class" else 0
            indices[ignored] = NOT_ANNOTATED
            return indices
        pairs = sorted(
            [(code, i) for i, label_class in enumerate(self.classes) for code in label_class.codes]
            + [(code, NOT_ANNOTATED) for code in self.ignored]
        )
        codes = np.array([code for code, _ in pairs], np.int64)
        indices = np.array([index for _, index in pairs], np.uint8)
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > _MAX_TABLE_CODE:
            position = np.searchsorted(codes, array).clip(max=len(codes) - 1)
            self._refuse(array, codes[position] != array)
            return indices[position]
        known = (codes >= 0) & (codes <= high)
        table = np.zeros(high + 1, np.uint8)
        declared = np.zeros(high + 1, bool)
        table[codes[known]] = indices[known]
        declared[codes[known]] = True
        if not declared.all():
            self._refuse(array, ~declared[array])
        return table[array]

    def to_codes(self, array: NDArray[np.integer[Any]]) -> NDArray[np.signedinteger[Any]]:
        """Turn class indices into the dataset's codes, the first code of each class.

        Args:
            array: Indices 0..K-1, any shape.

        Raises:
            LabelError: An index is not in 0..K-1.
        """
        if array.size and (int(array.min()) < 0 or int(array.max()) >= self.num_classes):
            raise LabelError(
                expected=f"class indices 0 to {self.num_classes - 1}",
                got=f"{int(array.min())} to {int(array.max())}",
                remedy="pass the arg-max over this dataset's classes",
            )
        codes = np.array([label_class.codes[0] for label_class in self.classes], np.int64)
        in_range = np.abs(codes).max() <= np.iinfo(np.int32).max
        return codes.astype(np.int32 if in_range else np.int64)[array]

    def of_prediction(self, array: NDArray[np.integer[Any]]) -> Classes:
        """Give the classes by which a prediction is to be read.

        Prediction writes codes of classes even where the dataset's labels number objects. A prediction that holds
        other codes than these (another program's) numbers objects as the labels do. None says "labelled by nobody":
        such a code is as strange there as any other.

        Args:
            array: Codes as in the prediction's file, any shape.
        """
        by_code = self.instances and bool(np.isin(array, self.codes).all())
        return Classes(self.classes) if by_code else replace(self, ignored=())

    def select(self, selection: str) -> Classes:
        """Select and merge classes, by code or by name.

        Args:
            selection: "organ=1,2;tumour=3": each new class with the codes or names that it joins. A name by
                itself keeps that class as it is. What is not selected joins the background, which is the
                old one unless the selection names a class "background".

        Returns:
            The background, then the classes in the order given. If nothing is left for a background, the
            class that took the old background's code comes first in its place.

        Raises:
            DatasetError: The selection cannot be read, names what is not declared, or uses a code twice.
        """
        chosen = selected_codes(selection, {c.name: c.codes for c in self.classes})
        if self.instances:
            return self._renamed_instances(chosen)
        return replace(self, classes=self._selected(chosen))

    def ignoring(self, wanted: str) -> Classes:
        """Take codes out of the classes: their voxels were labelled by nobody.

        Args:
            wanted: Codes and names, separated by commas. A code need not be declared; of a class that has several it
                takes that one, a name takes the whole class.

        Raises:
            DatasetError: Neither a code nor a declared name, or no class is left.

        >>> sparse = Classes.of({0: "outside", 1: "wall", 2: "unsure"}).ignoring("unsure, 7")
        >>> sparse.names, sparse.ignored
        (('outside', 'wall'), (2, 7))
        """
        declared = {c.name: c.codes for c in self.classes}
        codes = {*self.ignored, *ignored_codes(wanted, declared)}
        left = [LabelClass(c.name, tuple(code for code in c.codes if code not in codes)) for c in self.classes]
        return replace(self, classes=tuple(c for c in left if c.codes), ignored=tuple(sorted(codes)))

    def _selected(self, chosen: dict[str, tuple[int, ...]]) -> tuple[LabelClass, ...]:
        taken = {code for codes in chosen.values() for code in codes}
        _once([code for codes in chosen.values() for code in codes], "selected label code")
        rest = tuple(code for code in self.codes if code not in taken)
        background = (*chosen.pop(BACKGROUND, ()), *rest)
        classes = [LabelClass(name, codes) for name, codes in chosen.items()]
        if background:
            return LabelClass(BACKGROUND, background), *classes
        classes.sort(key=lambda label_class: self.codes[0] not in label_class.codes)
        return tuple(classes)

    def to_json(self) -> dict[str, Any]:
        """Give a JSON object that `from_json` reads: names and codes, without what is ignored."""
        borders = {"borders": self.borders} if self.instances else {}
        return {
            "classes": [{"name": c.name, "codes": list(c.codes)} for c in self.classes],
            "instances": self.instances,
            **borders,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Classes:
        """Read what `to_json` gave.

        Raises:
            DatasetError: The object does not describe classes.
        """
        try:
            classes = tuple(
                LabelClass(str(entry["name"]), tuple(int(code) for code in entry["codes"]))
                for entry in value["classes"]
            )
            borders = value.get("borders", "none")
            if borders not in get_args(Borders):
                raise ValueError(f"borders {borders!r}")
            return Classes(classes, instances=bool(value["instances"]), borders=borders)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                expected="classes with name and codes, and instances",
                got=f"{type(error).__name__} {error}",
                remedy="restore the file that this was read from",
            ) from error

    def _renamed_instances(self, chosen: dict[str, tuple[int, ...]]) -> Classes:
        names = [name for name in chosen if name != BACKGROUND]
        if len(names) != 1 or chosen[names[0]] != self.classes[1].codes:
            raise DatasetError(
                expected="one class, as in 'nucleus=1': these labels number objects",
                got=", ".join(f"{name}={chosen[name]}" for name in chosen),
                remedy="select one class, or say --labels-are classes",
            )
        return replace(Classes.of_instances(names[0], borders=self.borders), ignored=self.ignored)

    def _refuse(self, array: NDArray[np.integer[Any]], wrong: NDArray[np.bool_]) -> None:
        if wrong.any():
            found = ", ".join(str(int(code)) for code in np.unique(array[wrong])[:8])
            raise LabelError(
                expected=f"the declared codes {', '.join(map(str, self.codes[:12]))}",
                got=f"the undeclared {found} in {int(wrong.sum())} voxels",
                remedy="mend the label, declare the code, or select classes with --classes",
            )


def _once(values: Iterable[object], what: str) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise DatasetError(
            expected=f"each {what} once",
            got=f"{twice[0]} more than once",
            remedy="give every class its own name and codes",
        )
