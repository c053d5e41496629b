"""Checks for copies: duplicates, near-duplicates, contradictory labels, train-test leaks."""

import numpy as np

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_DROP = "spar data prepare --drop {} keeps one of each"


def duplicates(images: ScannedImages) -> Issue:
    """Images with the same pixels as an earlier one."""
    first = images.copies.equal
    which = np.flatnonzero(first != np.arange(len(first)))
    where = tuple((images.where[i], f"the same pixels as {images.where[first[i]]}") for i in which.tolist())
    what = f"{len(which):,} images have the same pixels as an earlier one"
    return Issue("duplicates", what, where, _DROP.format("duplicates"), _ints(which), _ints(first[which]))


def near_duplicates(images: ScannedImages) -> Issue:
    """Images nearly equal to an earlier one, without exact copies."""
    equal, near = images.copies
    which = np.flatnonzero((equal == np.arange(len(equal))) & (near != np.arange(len(near))))
    where = tuple((images.where[i], f"nearly the same as {images.where[near[i]]}") for i in which.tolist())
    what = f"{len(which):,} images nearly equal an earlier one: recompressed, resized, brightened, or a burst"
    todo = f"inspect them with --sheet; {_DROP.format('near-duplicates')}"
    return Issue("near-duplicates", what, where, todo, _ints(which), _ints(near[which]))


def leaks(images: ScannedImages) -> Issue:
    """Test images with a copy in the train split."""
    equal, near = images.copies
    trained = np.flatnonzero(~images.test)
    same, like = (
        dict(zip(group[trained][::-1].tolist(), trained[::-1].tolist(), strict=True)) for group in (equal, near)
    )
    found = [(i, same.get(equal[i]), like.get(near[i])) for i in np.flatnonzero(images.test).tolist()]
    pairs = [(i, a if b is None else b, b is not None) for i, b, a in found if a is not None]
    words = {True: "the same pixels as", False: "nearly the same as"}
    where = tuple((images.where[i], f"{words[exact]} {images.where[j]} of the train split") for i, j, exact in pairs)
    what = f"{len(pairs):,} test images have a copy in the train split: scores on them are too good"
    todo = f"{_DROP.format('duplicates,near-duplicates')}; if the splits are fixed, remove them from one"
    return Issue("leaks", what, where, todo, _ints([i for i, _, _ in pairs]), _ints([j for _, j, _ in pairs]))


def contradictory(images: ScannedImages) -> Issue:
    """Copies with different labels."""
    labels, first = images.labels, images.copies.near
    which = np.array([], int) if labels is None else np.flatnonzero(labels != labels[first])
    where = tuple(
        (images.where[i], f"a copy of {images.where[first[i]]}, which has class {images.names[labels[first[i]]]}")
        for i in which.tolist()
        if labels is not None
    )
    what = f"{len(which):,} images are copies of one with another class"
    todo = "delete the one with the wrong class; spar data prepare --drop contradictory leaves out the later one"
    return Issue("contradictory", what, where, todo, _ints(which), _ints(first[which]))


def _ints(values) -> tuple[int, ...]:
    return tuple(map(int, values))
