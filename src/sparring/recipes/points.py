"""Points in the plane: small perceptrons, relativistic pairing and zero-centred penalties."""

from sparring.recipes.base import Network, Recipe

POINTS = Recipe(
    name="points",
    paper="Huang et al. 2024, arXiv:2501.05441",
    about="small perceptrons with relativistic pairing, R1 and R2, for points such as ring and grid",
    generator=Network("mlp-generator", {"widths": [256, 256, 256], "output": "linear"}),
    critic=Network("mlp-critic", {"widths": [256, 256, 256], "dropout": 0.0}),
    objective="relativistic",
    penalties=("r1", "r2"),
    weights={"r1": 0.1, "r2": 0.1},
    medium="points",
    z=2,
    batch=256,
    images=4_000_000,
    lr=1e-3,
    beta1=0.0,
    beta2=0.99,
)
