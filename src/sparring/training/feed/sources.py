"""What the loop draws from, by what the data is."""

import torch

from sparring.data import Data
from sparring.training.feed.conditional_rows import AskedRows
from sparring.training.feed.in_memory import InMemory, Mapped
from sparring.training.feed.paired import Paired


def source(data: Data, device: torch.device, conditional: bool = False) -> InMemory | AskedRows:
    if conditional and data.schema is not None:
        return AskedRows(data, data.schema, device)
    if data.train.given is not None:
        return Paired(data, device)
    return (Mapped if data.mapped else InMemory)(data, device)
