"""Settings of every test."""

import torch

# Tests run beside each other and on small machines: more threads than cores stall at every parallel region.
torch.set_num_threads(1)
