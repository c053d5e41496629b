"""Tars: members that are better not opened."""

from data.pictures import png, shades, tarred

from sparring.data import load


def test_members_that_climb_out(tmp_path):
    names = ["/abs.png", "in/../../up.png", ".//tmp/x.png", " ../q.png", "\x07../y.png"]
    data = load(tarred(tmp_path / "a.tar", {**shades(), **{name: png() for name in names}}))
    assert {why for _, why in data.broken} == {"its path climbs out of the tar"} and len(data.broken) == len(names)
