"""Layers for PyTorch models: LSTM, GRU, RNN, sLSTM, and a residual block for language models."""

from flashrnn.nn.block import ResidualBlock
from flashrnn.nn.layers import GRU, LSTM, RNN, sLSTM

__all__ = ["GRU", "LSTM", "RNN", "ResidualBlock", "sLSTM"]
