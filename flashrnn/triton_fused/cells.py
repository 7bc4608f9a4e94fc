"""The cells' pointwise functions and their derivatives, for the kernels.

The equations are those of `flashrnn.cells`, the numbers in brackets too. All tensors are float32 of one
shape; gates and states are tuples in the cell's order, h first. Nothing here is approximate beyond the
rounding of float32: the hardware's tanh is not used.
"""

import triton
import triton.language as tl


@triton.jit
def tanh(x):
    """(1 - e) / (1 + e) with e = exp(-2 |x|); near 0, where that cancels, the Taylor series up to x⁹."""
    e = tl.exp(-2 * tl.abs(x))
    large = (1 - e) / (1 + e)
    s = x * x
    small = x * (1 + s * (-1 / 3 + s * (2 / 15 + s * (-17 / 315 + s * (62 / 2835)))))
    return tl.where(s < 0.0625, small, tl.where(x < 0, -large, large))


@triton.jit
def sigmoid(x):
    """1 / (1 + exp(-x)), also where exp(-x) is infinite.

    Triton's own would not run in the interpreter once Triton was imported without it.
    """
    return 1 / (1 + tl.exp(-x))


@triton.jit
def log_sigmoid(x):
    """min(x, 0) - log(1 + e) with e = exp(-|x|); log u · e / (u - 1) undoes the rounding of u = 1 + e."""
    e = tl.exp(-tl.abs(x))
    u = 1 + e
    rounded_away = u == 1
    log = tl.where(rounded_away, e, tl.log(u) * (e / tl.where(rounded_away, 1.0, u - 1)))
    return tl.minimum(x, 0.0) - log


@triton.jit
def step(CELL: tl.constexpr, gates, states):
    """The new states, and the gates as `step_back` wants them.

    Those are the pre-activations, but for the sLSTM's i: in its place stands i - (m_{t-1} + log σ(f)), from
    which the differences to m_t in S2 follow. Rounded to 16 bits i and m_t could not be subtracted any more.
    """
    if CELL == "elman":
        kept = gates
        new = (tanh(gates[0]),)
    elif CELL == "lstm":
        kept = gates
        c = sigmoid(gates[1]) * states[1] + sigmoid(gates[0]) * tanh(gates[2])
        new = (sigmoid(gates[3]) * tanh(c), c)
    elif CELL == "gru":
        kept = gates
        z = sigmoid(gates[2])
        candidate = tanh(gates[3] + sigmoid(gates[1]) * gates[0])
        new = (z * states[0] + (1 - z) * candidate,)
    else:
        carried = states[3] + log_sigmoid(gates[1])
        difference = gates[0] - carried
        kept = (difference, gates[1], gates[2], gates[3])
        fresh = (states[2] == 0) | (difference >= 0)
        i, f = scales(difference, fresh)
        c = f * states[1] + i * tanh(gates[2])
        n = tl.maximum(f * states[2] + i, 1.0)
        new = (sigmoid(gates[3]) * c / n, c, n, tl.where(fresh, gates[0], carried))
    return new, kept


@triton.jit
def scales(difference, fresh):
    """i_t and f_t (S2). Only where n = 0 can f_t's exponent be positive; it is capped as in the equations."""
    i = tl.where(fresh, 1.0, tl.exp(tl.minimum(difference, 0.0)))
    f = tl.where(fresh, tl.exp(tl.minimum(-difference, 88.0)), 1.0)
    return i, f


@triton.jit
def step_back(CELL: tl.constexpr, gates, before, d, CLIP: tl.constexpr, clip):
    """The gradients of a step's gate slots, and what P passes to each state before it (zero for R h's part).

    Args:
        gates: as `step` has kept them.
        before: the states before the step.
        d: the gradients of the states after it.
        CLIP, clip: whether h was clipped to ± clip: it has no gradient where that changed it.
    """
    zero = tl.full(d[0].shape, 0.0, tl.float32)
    if CELL == "elman":
        h = tanh(gates[0])
        dh = _unclipped(d[0], h, CLIP, clip)
        d_gates = (dh * (1 - h * h),)
        d_before = (zero,)
    elif CELL == "lstm":
        i, f, o = sigmoid(gates[0]), sigmoid(gates[1]), sigmoid(gates[3])
        z = tanh(gates[2])
        tanh_c = tanh(f * before[1] + i * z)
        dh = _unclipped(d[0], o * tanh_c, CLIP, clip)
        dc = d[1] + dh * o * (1 - tanh_c * tanh_c)
        d_gates = (
            dc * z * i * (1 - i),
            dc * before[1] * f * (1 - f),
            dc * i * (1 - z * z),
            dh * tanh_c * o * (1 - o),
        )
        d_before = (zero, dc * f)
    elif CELL == "gru":
        g = gates[0]
        r, z = sigmoid(gates[1]), sigmoid(gates[2])
        candidate = tanh(gates[3] + r * g)
        dh = _unclipped(d[0], z * before[0] + (1 - z) * candidate, CLIP, clip)
        dn = dh * (1 - z) * (1 - candidate * candidate)
        d_gates = (dn * r, dn * g * r * (1 - r), dh * (before[0] - candidate) * z * (1 - z), dn)
        d_before = (dh * z,)
    else:
        c_before, n_before = before[1], before[2]
        fresh = (n_before == 0) | (gates[0] >= 0)
        i, f = scales(gates[0], fresh)
        z, o = tanh(gates[2]), sigmoid(gates[3])
        c = f * c_before + i * z
        counted = f * n_before + i
        n = tl.maximum(counted, 1.0)
        dh = _unclipped(d[0], o * c / n, CLIP, clip)
        dc = d[1] + dh * o / n
        dn = tl.where(counted >= 1, d[2] - dh * o * c / (n * n), 0.0)
        # The gradients of the two exponents in S2. Both pass -1 times theirs to m_t, and m_t passes what it
        # has to the argument it was taken from (S1).
        d_input = (dn + dc * z) * i
        capped = fresh & (gates[0] < -88.0)
        d_carried = tl.where(capped, 0.0, (dn * n_before + dc * c_before) * f)
        d_i = tl.where(fresh, d[3] - d_carried, d_input)
        d_carried = tl.where(fresh, d_carried, d[3] - d_input)
        d_gates = (
            d_i,
            d_carried * sigmoid(-gates[1]),
            dc * i * (1 - z * z),
            dh * o * (1 - o) * c / n,
        )
        d_before = (zero, dc * f, dn * f, d_carried)
    return d_gates, d_before


@triton.jit
def _unclipped(dh, h, CLIP: tl.constexpr, clip):
    """dh where h was not clipped, else 0."""
    if CLIP:
        dh = tl.where(tl.abs(h) < clip, dh, 0.0)
    return dh
