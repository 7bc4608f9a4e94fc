"""Two processes that share a batch (DistributedDataParallel on gloo) get the gradients of one."""

import gc
import socket

import torch

from flashrnn import flashrnn
from flashrnn import nn as rnn
from tests.flashrnn.reference import random_tensors


class _Operator(torch.nn.Module):
    """The bare recurrence, with the hand-written backward pass."""

    def __init__(self):
        super().__init__()
        _, R, b, _ = random_tensors("lstm")
        self.R, self.b = torch.nn.Parameter(R.detach()), torch.nn.Parameter(b.detach())

    def forward(self, x):
        return flashrnn(x.unflatten(-1, (4, 2, 4)), self.R, self.b, backend="vanilla_fwbw")[0]


class _Layers(torch.nn.Module):
    """Layers with heads, in both directions and with a projection; a block; and PyTorch's own call."""

    def __init__(self):
        super().__init__()
        double = {"dtype": torch.float64, "batch_first": True}
        self.lstm = rnn.LSTM(32, 8, 2, bidirectional=True, proj_size=4, num_heads=2, **double)
        self.gru = rnn.GRU(8, 8, num_heads=4, **double)
        self.block = rnn.ResidualBlock(8, num_heads=2, dtype=torch.float64)
        self.fast = rnn.RNN(8, 3, batch_first=True)

    def forward(self, x):
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        x, _ = self.block(x)
        return self.fast(x.float())[0]


def _model(kind):
    torch.manual_seed(0)
    return kind()


def _loss(model):
    """A loss that is the mean over the batch, whatever part of the batch it is given."""
    return lambda x: model(x).square().mean()


# The relative difference that their dtypes allow: in _Layers one is float32.
MODELS = {_Operator: 1e-12, _Layers: 1e-5}
X = random_tensors("lstm", B=4)[0].detach().flatten(2)  # [4, 5, 32]


def _worker(rank, port, results):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    for kind in MODELS:
        model = torch.nn.parallel.DistributedDataParallel(_model(kind))
        _loss(model)(X[2 * rank : 2 * rank + 2]).backward()
        if rank == 0:
            results[kind.__name__] = [parameter.grad.tolist() for parameter in model.parameters()]
        # A model that outlives its process group waits for gloo's thread with the interpreter's lock held.
        del model
        gc.collect()
    torch.distributed.destroy_process_group()


def test_two_processes_get_the_gradients_of_one():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with torch.multiprocessing.get_context("spawn").Manager() as manager:
        results = manager.dict()
        torch.multiprocessing.spawn(_worker, (port, results), nprocs=2)
        results = dict(results)
    for kind, rtol in MODELS.items():
        model = _model(kind)
        _loss(model)(X).backward()
        for shared, (name, parameter) in zip(results[kind.__name__], model.named_parameters(), strict=True):
            shared = torch.tensor(shared, dtype=parameter.dtype)
            assert parameter.grad.abs().max() > 0, name
            torch.testing.assert_close(shared, parameter.grad, rtol=rtol, atol=rtol / 1e3, msg=name)
