"""CUDA kernels whose parameters the solver chooses.

`sources` has the kernels, `models` what each family of them needs as a problem file, `tuner` chooses among
them for a GPU, `compiler` makes them machine code and `cache` keeps both. None of this needs a GPU or
PyTorch; `backend` does, which runs them for `flashrnn.flashrnn`.
"""
