"""One of the two processes of `working.collective`: prints the mean of their ranks plus one."""

import sys

import torch

from sparring.training.distributed.processes import process_group

if __name__ == "__main__":
    with process_group(float(sys.argv[1])) as ranks:
        number = torch.tensor([ranks.rank + 1.0])
        ranks.average_([number])
        print(f"{float(number):g}")
