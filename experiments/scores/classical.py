"""Restoration without neural networks: baselines of `restore` and `translate`."""

import numpy as np
import torch
from scipy.ndimage import convolve
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor

from sparring.metrics.distances import nearest_neighbours

LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)
BIHARMONIC = convolve(np.pad(LAPLACE, 1), LAPLACE, mode="constant")  # (5, 5)


def biharmonic(given: Tensor, known: Tensor) -> Tensor:
    """Pictures uint8 (n, c, h, w) whose lost pixels solve Δ²u = 0 with the known ones (n, 1, h, w) around them; beyond
    its border a picture is mirrored."""
    rows = [_filled(x.permute(1, 2, 0).double().numpy(), k[0].numpy()) for x, k in zip(given, known, strict=True)]
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)


def _filled(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    height, width = known.shape
    lost = np.argwhere(~known)
    if not len(lost):
        return x.astype(np.uint8)
    number = np.full(known.shape, -1)
    number[tuple(lost.T)] = np.arange(len(lost))
    matrix, right = [], np.zeros((len(lost), x.shape[2]))
    for k, (i, j) in enumerate(lost):
        for (di, dj), weight in np.ndenumerate(BIHARMONIC):
            r, c = _mirrored(i + di - 2, height), _mirrored(j + dj - 2, width)
            if known[r, c]:
                right[k] -= weight * x[r, c]
            else:
                matrix.append((k, number[r, c], weight))
    at, columns, weights = zip(*matrix, strict=True)
    system = csr_matrix((weights, (at, columns)), shape=(len(lost), len(lost)))
    found = np.asarray(spsolve(system.tocsc(), right)).reshape(len(lost), -1)
    whole = x.copy()
    whole[tuple(lost.T)] = found
    return whole.round().clip(0, 255).astype(np.uint8)


def _mirrored(i: int, side: int) -> int:
    return -i - 1 if i < 0 else 2 * side - 1 - i if i >= side else i


def tinted(given: Tensor, like: tuple[Tensor, Tensor]) -> Tensor:
    """The mean colour of each shade of grey: pictures (n, 1, h, w) in the channels of others, each a line in the grey
    that has the least squares on pairs `like` (given, truth)."""
    grey, colour = like[0].double().flatten(), like[1].double().transpose(0, 1).flatten(1)
    line = torch.linalg.lstsq(torch.stack([grey, torch.ones_like(grey)], 1), colour.T).solution  # (2, c)
    made = given.double() * line[0].view(1, -1, 1, 1) + line[1].view(1, -1, 1, 1)
    return made.round().clamp(0, 255).to(torch.uint8)


def partners(given: Tensor, like: tuple[Tensor, Tensor]) -> Tensor:
    """For each picture the right answer to the one, of pairs `like` (given, truth), that is the nearest to it."""
    _, places = nearest_neighbours(given.float().flatten(1), like[0].float().flatten(1))
    return like[1][places[:, 0]]


def total_variation(given: Tensor, weight: float, steps: int = 100) -> Tensor:
    """Pictures uint8 (n, c, h, w) → argmin ½‖u − f‖² + weight · TV(u), f of brightness 0 to 1: Chambolle 2004 (Journal
    of Mathematical Imaging and Vision 20, 89-97), eq. 9, each channel by itself."""
    f = given.double() / 255
    p = torch.zeros(2, *f.shape, dtype=f.dtype)
    for _ in range(steps):
        slope = _gradient(_divergence(p) - f / weight)
        p = (p + 0.25 * slope) / (1 + 0.25 * slope.square().sum(0, keepdim=True).sqrt())
    return ((f - weight * _divergence(p)) * 255).round().clamp(0, 255).to(torch.uint8)


def _gradient(u: Tensor) -> Tensor:
    g = torch.zeros(2, *u.shape, dtype=u.dtype)
    g[0, :, :, :-1] = u.diff(dim=2)
    g[1, :, :, :, :-1] = u.diff(dim=3)
    return g


def _divergence(p: Tensor) -> Tensor:
    """−(the adjoint of the gradient)."""
    d = torch.zeros_like(p[0])
    d[:, :, :-1] += p[0, :, :, :-1]
    d[:, :, 1:] -= p[0, :, :, :-1]
    d[:, :, :, :-1] += p[1, :, :, :, :-1]
    d[:, :, :, 1:] -= p[1, :, :, :, :-1]
    return d
