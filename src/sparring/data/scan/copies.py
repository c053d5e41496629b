"""Findings of copies: duplicates, near duplicates, and those with a foot in both parts."""

import numpy as np

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_DROP = "spar data prepare --drop {} keeps one of each"


def duplicates(looked: ScannedImages) -> Issue:
    first = looked.copies.equal
    which = np.flatnonzero(first != np.arange(len(first)))
    where = tuple((looked.where[i], f"the same pixels as {looked.where[first[i]]}") for i in which.tolist())
    what = f"{len(which):,} images have the same pixels as one before them"
    return Issue("duplicates", what, where, _DROP.format("duplicates"), _ints(which), _ints(first[which]))


def near_duplicates(looked: ScannedImages) -> Issue:
    equal, near = looked.copies
    which = np.flatnonzero((equal == np.arange(len(equal))) & (near != np.arange(len(near))))
    where = tuple((looked.where[i], f"nearly the same as {looked.where[near[i]]}") for i in which.tolist())
    what = f"{len(which):,} images are nearly the same as one before them: saved again, resized, brightened, or a burst"
    todo = f"look at them with --sheet; {_DROP.format('near-duplicates')}"
    return Issue("near-duplicates", what, where, todo, _ints(which), _ints(near[which]))


def leaks(looked: ScannedImages) -> Issue:
    """Images of the test part with a copy in the train part."""
    equal, near = looked.copies
    trained = np.flatnonzero(~looked.test)
    same, like = (
        dict(zip(group[trained][::-1].tolist(), trained[::-1].tolist(), strict=True)) for group in (equal, near)
    )
    found = [(i, same.get(equal[i]), like.get(near[i])) for i in np.flatnonzero(looked.test).tolist()]
    pairs = [(i, a if b is None else b, b is not None) for i, b, a in found if a is not None]
    words = {True: "the same pixels as", False: "nearly the same as"}
    where = tuple((looked.where[i], f"{words[exact]} {looked.where[j]} of the train part") for i, j, exact in pairs)
    what = f"{len(pairs):,} images of the test part have a copy in the train part: scores on it flatter"
    todo = f"{_DROP.format('duplicates,near-duplicates')}; sets that came in two parts, leave them out of one"
    return Issue("leaks", what, where, todo, _ints([i for i, _, _ in pairs]), _ints([j for _, j, _ in pairs]))


def contradictory(looked: ScannedImages) -> Issue:
    """Copies that are of several classes."""
    labels, first = looked.labels, looked.copies.near
    which = np.array([], int) if labels is None else np.flatnonzero(labels != labels[first])
    where = tuple(
        (looked.where[i], f"a copy of {looked.where[first[i]]}, which is of class {looked.names[labels[first[i]]]}")
        for i in which.tolist()
        if labels is not None
    )
    what = f"{len(which):,} images are copies of one of another class"
    todo = "see which class is right, and delete the other; --drop contradictory leaves out the later one"
    return Issue("contradictory", what, where, todo, _ints(which), _ints(first[which]))


def _ints(values) -> tuple[int, ...]:
    return tuple(map(int, values))
