import pytest
import torch

from sparring.parallel import parallel_map


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
def test_in_order_and_with_as_many_threads_as_before(threads):
    torch.set_num_threads(threads)
    assert list(parallel_map(lambda i: (i, torch.get_num_threads()), range(20))) == [(i, 1) for i in range(20)]
    assert torch.get_num_threads() == threads


def test_precision_and_inference_mode_are_the_callers():
    torch.set_num_threads(2)
    x = torch.ones(4, 4)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        made = list(parallel_map(lambda _: x @ x, range(3)))
    assert all(y.dtype == torch.bfloat16 and y.is_inference() for y in made)
    assert all(y.dtype == torch.float32 and not y.is_inference() for y in parallel_map(lambda _: x @ x, range(3)))


def test_what_goes_wrong_is_told_and_no_more_than_needed_is_begun():
    torch.set_num_threads(2)
    asked = iter(range(1_000))
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(lambda i: 1 / (i - 3), asked))
    assert next(asked) < 20
    assert torch.get_num_threads() == 2
