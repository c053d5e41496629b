"""One of the two processes of `working.collective`: prints the mean of their ranks plus one."""

import sys

import torch

from sparring.training.distributed.processes import joined

if __name__ == "__main__":
    with joined(float(sys.argv[1])) as ranks:
        number = torch.tensor([ranks.rank + 1.0])
        ranks.average_([number])
        print(f"{float(number):g}")
