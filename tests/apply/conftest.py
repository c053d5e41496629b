import pytest
from translators import SMALL, model


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A model of each, as runs leave them."""
    out = tmp_path_factory.mktemp("models")
    for name in SMALL:
        model(name).save(out / name)
    return out
