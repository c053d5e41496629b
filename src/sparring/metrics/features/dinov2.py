"""DINOv2 features: the class token of ViT-L/14.

Oquab et al. 2023 (arXiv:2304.07193). Distances agree with human judgement better than Inception's (Stein et al. 2023,
arXiv:2306.04675).
"""

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor, weights_digest
from sparring.metrics.features.published import rgb_pixels
from sparring.storage.download import Pin, Remote

_WEIGHTS = "model.safetensors"
DINOV2_WEIGHTS = Remote(
    "dinov2-large",
    "https://huggingface.co/facebook/dinov2-large/resolve/47b73eefe95e8d44ec3623f8890bd894b6ea2d6c/",
    {_WEIGHTS: Pin(1_217_522_888, "399fba97a95f22c36834418bc69373364a99af3a1153da1c0fb31db567c92e23")},
)
_CONFIG: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 518,
    "patch_size": 14,
}
_SIDE = 224
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels."""


def dinov2_features() -> FeatureExtractor:
    """The extractor. Raises UserError if the weights are unavailable or the extra `dinov2` is not installed."""
    try:
        from transformers import Dinov2Config, Dinov2Model
    except ImportError:
        raise UserError("dinov2 features need 'sparring[dinov2]': pip install 'sparring[dinov2]'") from None
    weights = load_file(DINOV2_WEIGHTS.path(_WEIGHTS))
    net = Dinov2Model(Dinov2Config(**_CONFIG)).eval().requires_grad_(False)
    net.load_state_dict(weights)
    mean, spread = (torch.tensor(x)[:, None, None] for x in (_MEAN, _STD))

    def body(images: Tensor) -> Tensor:
        pixels = interpolate(rgb_pixels(images, "dinov2"), (_SIDE, _SIDE), mode="bicubic", antialias=True)
        return net((pixels.round().clamp(0, 255) / 255 - mean) / spread).last_hidden_state[:, 0]

    return FeatureExtractor(
        "dinov2", body, weights_digest(weights.values()), resize=f"resized to {_SIDE}×{_SIDE} (bicubic, antialiased)"
    )
