"""Networks from pictures to pictures: any size, how far they look, what they keep; and tiles of them."""

import pytest
import torch
from torch import nn

from sparring.errors import UserError
from sparring.models.tiling import apply_in_tiles
from sparring.networks.gated import GatedUNet
from sparring.networks.layers.conditioned import ConditionalInstanceNorm
from sparring.networks.patch import DomainCritic, PatchCritic
from sparring.networks.rrdb import RRDB
from sparring.networks.translator import PatchHeads, Translator, TranslatorBlock, upsampling_layers
from sparring.networks.unet import UNet

SHAPE = (3, 16, 16)


def awake(net: nn.Module) -> nn.Module:
    """With weights that let everything through, also where they begin at 0."""
    torch.manual_seed(0)
    for p in net.parameters():
        if p.dim() > 1:
            nn.init.normal_(p, 0, 0.3 / p[0].numel() ** 0.5 * 3)
    return net.double().eval()


LOCAL = {
    "gated": lambda: GatedUNet(SHAPE, width=4, levels=2, dilations=(1, 2)),
    "gated, one level": lambda: GatedUNet(SHAPE, width=4, levels=1, dilations=(1,)),
    "rrdb ×2": lambda: RRDB(SHAPE, scale=2, width=6, growth=3, blocks=1),
    "rrdb ×4": lambda: RRDB(SHAPE, scale=4, width=6, growth=3, blocks=1),
}
WHOLE = {
    "unet": lambda: UNet(SHAPE, width=4, widest=8, dropout=0.0),
    "translator": lambda: Translator(SHAPE, width=4, blocks=2),
    "smooth translator": lambda: Translator(SHAPE, width=4, blocks=2, smooth=True),
}


@pytest.mark.parametrize("name", [*LOCAL, *WHOLE])
@pytest.mark.parametrize("size", [(16, 16), (9, 23), (40, 17)])
def test_any_size(name, size):
    net = (LOCAL | WHOLE)[name]().eval()
    x = torch.randn(2, 3, *size)
    scale = getattr(net, "scale", 1)
    assert net(x).shape == (2, 3, scale * size[0], scale * size[1])


def test_what_does_not_halve_is_padded_and_cut_back():
    net, x = WHOLE["unet"]().eval(), torch.randn(2, 3, 18, 22)
    assert net.unit == 16
    whole = torch.nn.functional.pad(x, (0, 10, 0, 14), mode="replicate")
    assert torch.equal(net(x), net(whole)[:, :, :18, :22])


@pytest.mark.parametrize("name", LOCAL)
def test_nothing_beyond_its_reach_matters(name):
    net = awake(LOCAL[name]())
    side, scale = 2 * net.reach + 24, getattr(net, "scale", 1)
    x = torch.rand(1, 3, 12, side, dtype=torch.float64) * 2 - 1
    y = x.clone()
    y[:, :, :, 0] = -y[:, :, :, 0]
    changed = (net(x) != net(y)).any(1).any(1)[0].nonzero()
    far = int(changed.max()) // scale
    assert 0 < far <= net.reach


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("tile", [16, 30])
def test_tiles_of_what_looks_near_are_the_whole(name, tile):
    net = awake(LOCAL[name]()).float()
    x = torch.randint(256, (1, 3, 61, 85), dtype=torch.uint8)

    def make(part: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return ((net(part.float() / 127.5 - 1) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

    whole = make(x)
    found = apply_in_tiles(make, x, tile, net.reach, getattr(net, "grain", 1), getattr(net, "scale", 1))
    assert whole.float().std() > 10
    assert (found.output.int() - whole.int()).abs().max() <= 1 and found.disagreement == 0


def test_tiles_of_what_looks_everywhere_are_faded():
    x = torch.full((1, 3, 70, 50), 100, dtype=torch.uint8)
    shade = iter(range(100, 200, 10))
    found = apply_in_tiles(lambda part: torch.full_like(part, next(shade)), x, 32, None)
    assert (
        found.output.shape == x.shape and found.output.float().diff(dim=3).abs().max() <= 8 and found.disagreement > 0
    )
    same = apply_in_tiles(lambda part: part, x, 32, None)
    assert torch.equal(same.output, x) and same.disagreement == pytest.approx(0, abs=1e-3)


def test_known_pixels_stay_to_the_bit():
    net = awake(GatedUNet(SHAPE, inputs=4, width=4, levels=1, dilations=(1,))).float()
    x, known = torch.randn(2, 3, 15, 14), (torch.rand(2, 1, 15, 14) > 0.4).float()
    made = net(torch.cat([x * known, known], 1))
    assert torch.equal(made * known, x * known) and not torch.equal(made, x)


def test_restoration_begins_with_what_is_given():
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(GatedUNet(SHAPE, width=4)(x), x)
    grey = x[:, :1]
    assert torch.equal(GatedUNet(SHAPE, inputs=1, width=4)(grey), grey.expand(-1, 3, -1, -1))


def test_any_channels_in_and_out():
    for kind in (UNet, Translator, GatedUNet):
        assert kind((2, 16, 16), inputs=5, width=4)(torch.randn(1, 5, 16, 16)).shape == (1, 2, 16, 16)


def test_a_class_is_told_in_every_norm_and_matters():
    net = Translator(SHAPE, width=4, blocks=2, classes=3)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, ConditionalInstanceNorm):
                nn.init.normal_(layer.gain.weight)
    x = torch.randn(2, 3, 16, 16)
    first, other = (net(x, torch.tensor(y)) for y in ([0, 1], [0, 2]))
    assert torch.equal(first[0], other[0]) and (first[1] - other[1]).abs().mean() > 1e-3
    assert sum(isinstance(layer, ConditionalInstanceNorm) for layer in net.modules()) == 3 + 2 * 2 + 2


@pytest.mark.parametrize("smooth", [True, False])
def test_smooth_doubling_weaves_no_grid(smooth):
    torch.manual_seed(0)
    double = nn.Sequential(*upsampling_layers(3, 5, lambda channels: nn.Identity(), smooth))
    made = double(torch.rand(1, 3, 1, 1).expand(1, 3, 6, 7))
    assert made.shape == (1, 5, 12, 14)
    inside = made[:, :, 2:-2, 2:-2]
    assert (inside.amax((2, 3)) - inside.amin((2, 3)) < 1e-6).all() == smooth


def test_a_critic_of_patches_tells_the_class():
    told = DomainCritic((3, 32, 32), classes=5, width=4, layers=2)(torch.randn(2, 3, 32, 32))
    assert told.logits.shape == (2, 6 * 6) and told.extras["class"].shape == (2, 5)


def test_patches_and_scales():
    one = PatchCritic((3, 64, 64), inputs=1, width=4, layers=3)
    told = one(torch.randn(2, 4, 64, 64))
    assert told.logits.shape == (2, 6 * 6) and len(told.extras) == 4
    many = PatchCritic((3, 64, 64), width=4, layers=2, scales=2)
    told = many(torch.randn(2, 3, 64, 64))
    assert told.logits.shape == (2, 14 * 14 + 6 * 6) and {name[:4] for name in told.extras} == {"map0", "map1"}
    assert PatchCritic((1, 8, 8), width=4)(torch.randn(2, 1, 8, 8)).logits.shape[0] == 2
    with pytest.raises(UserError, match="3 scales of 16×16 leave too few pixels"):
        PatchCritic((3, 16, 16), scales=3)


@pytest.mark.parametrize(("layers", "side"), [(2, 34), (3, 70)])
def test_a_patch_is_as_large_as_the_paper_says(layers, side):
    net = awake(PatchCritic((1, 160, 160), width=2, layers=layers, norm="none"))
    x = torch.randn(1, 1, 160, 160, dtype=torch.float64, requires_grad=True)
    logits = net(x).logits[0]
    logits[len(logits) // 2 + int(len(logits) ** 0.5) // 2].backward()
    rows = x.grad[0, 0].any(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == side


def test_directions_of_places():
    net = Translator(SHAPE, width=4, blocks=2)
    maps = net.features(torch.randn(2, 3, 16, 16))
    assert [x.shape[1] for x in maps] == net.widths == [3, 8, 16, 16]
    found = PatchHeads(net.widths, 7, 5)(maps, torch.rand(2, len(maps), 16 * 16))
    assert all(x.shape == (2, 7, 5) for x in found)
    torch.testing.assert_close(found[0].norm(dim=-1), torch.ones(2, 7))


def test_no_place_is_taken_twice():
    """Of as many as there are, each is looked at once, and they are the numbers' own."""
    heads, x = PatchHeads([1], 100), torch.arange(16.0).view(1, 1, 4, 4)
    heads.heads = nn.ModuleList([Beside()])
    u = torch.rand(1, 1, 20)
    (found,) = heads([x], u)
    at = (found[0, :, 0] / found[0, :, 1]).round()
    assert sorted(at.tolist()) == list(range(16)) and at.tolist() == u[0, 0, :16].argsort().tolist()


class Beside(nn.Module):
    """x beside 1, so that a direction tells it."""

    def forward(self, x):
        return torch.cat([x, torch.ones_like(x)], -1)


def test_the_last_features_are_the_fifth_of_nine_blocks():
    net = Translator(SHAPE, width=2, blocks=9)
    assert (
        net.taps == [1, 2, 3, 7]
        and [i for i, stage in enumerate(net.down) if isinstance(stage, TranslatorBlock)][4] == 7
    )
