"""What the loop draws from, by what the data is."""

import torch

from sparring.data import Dataset
from sparring.training.feed.conditional_rows import ConditionalRows
from sparring.training.feed.in_memory import InMemory, MemoryMapped
from sparring.training.feed.paired import Paired


def source(data: Dataset, device: torch.device, conditional: bool = False) -> InMemory | ConditionalRows:
    if conditional and data.schema is not None:
        return ConditionalRows(data, data.schema, device)
    if data.train.condition is not None:
        return Paired(data, device)
    return (MemoryMapped if data.mapped else InMemory)(data, device)
