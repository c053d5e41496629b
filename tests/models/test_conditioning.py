"""Conditions of samples: class shares, labels, standardised attributes, columns' options."""

import pytest
import torch

from sparring.errors import UserError
from sparring.modalities.conditional_rows import TableConditions, _by_logarithm
from sparring.models.conditions import Attributes, ClassLabels


def g() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_classes_follow_their_shares_or_the_label():
    classes = ClassLabels(("cat", "dog", "emu"), (0.5, 0.2, 0.3))
    drawn = classes.draw(5000, None, g())
    assert drawn.dtype == torch.int64
    assert (drawn.bincount() / 5000).tolist() == pytest.approx([0.5, 0.2, 0.3], abs=0.03)
    assert classes.draw(3, "emu", g()).tolist() == [2, 2, 2] and classes.draw(2, "cat", g()).tolist() == [0, 0]
    with pytest.raises(UserError, match="no class 'dig'"):
        classes.draw(1, "dig", g())


def test_attributes_are_those_of_examples_except_the_label():
    rows = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    attributes = Attributes(("smile", "age"), ((2.0, 0.5), (20.0, 5.0)), rows)
    drawn = attributes.draw(300, None, g())
    standard = {((a - 2) / 0.5, (b - 20) / 5) for a, b in rows.tolist()}
    assert set(map(tuple, drawn.tolist())) == standard
    named = attributes.draw(300, "age=35", g())
    assert torch.equal(named[:, 0], drawn[:, 0]) and (named[:, 1] == 3).all()
    both = attributes.draw(4, " smile =1, age=20", g())
    assert both.tolist() == [[-2.0, 0.0]] * 4
    assert torch.equal(rows[:, 1], torch.tensor([10.0, 20.0, 30.0]))  # the model's own rows stay
    for label, why in (("agee=1", "no attribute"), ("age", "has no number"), ("age=old", "has no number")):
        with pytest.raises(UserError, match=why):
            attributes.draw(1, label, g())


def test_table_conditions_follow_the_shares_of_options():
    """Columns of 2, 3, 2 and 1 options; the second is never a condition, the others equally often."""
    conditions = TableConditions(((0.25, 0.75), (), (0.5, 0.5), (1.0,)), (2, 3, 2, 1))
    drawn = conditions.draw(8000, None, g())
    assert drawn.shape == (8000, 8) and drawn.dtype == torch.float32
    assert (drawn.sum(1) == 1).all() and set(drawn.unique().tolist()) == {0, 1}
    expected = [1 / 12, 3 / 12, 0, 0, 0, 2 / 12, 2 / 12, 4 / 12]
    assert drawn.mean(0).tolist() == pytest.approx(expected, abs=0.02)
    with pytest.raises(UserError, match="--where"):
        conditions.draw(1, "a", g())
    assert torch.equal(drawn, conditions.draw(8000, None, g()))


def test_training_by_sampling_follows_the_logarithms_of_counts():
    """Options of 900, 99 and 1 of 1,000 rows; the rows of an option are used equally often."""
    option = torch.tensor([0] * 900 + [1] * 99 + [2])[torch.randperm(1000, generator=g())]
    rows = _by_logarithm(option, 0)
    logarithms = torch.tensor([901.0, 100.0, 2.0]).log()
    shares = option[rows].bincount() / 1000
    assert shares.tolist() == pytest.approx((logarithms / logarithms.sum()).tolist(), abs=0.05)
    uses = rows.bincount(minlength=1000)
    for k in range(3):
        assert uses[option == k].max() - uses[option == k].min() <= 1
    assert not torch.equal(rows, _by_logarithm(option, 1))
