// The cells on one hidden unit: `step` is the pointwise function P, `step_back` its derivative. The numbers
// in brackets are those of flashrnn/cells.py. Everything is float32.
#pragma once
#include "primitives.cuh"

// Nonlinear functions. `decay` is the sigmoid of what multiplies a state step after step: an error of it is
// raised to the power of the time that the state is kept.

struct Accurate {
    static DEVICE float exp(float x) { return expf(x); }
    static DEVICE float log_one_plus(float x) { return log1pf(x); }
    static DEVICE float tanh(float x) { return tanhf(x); }
    static DEVICE float sigmoid(float x) { return reciprocal(1.0f + expf(-x)); }
    static DEVICE float decay(float x) { return sigmoid(x); }
};

struct Fast {
    static DEVICE float exp(float x) { return approximate_exp2(1.442695041f * x); }
    static DEVICE float log_one_plus(float x) { return 0.6931471806f * approximate_log2(1.0f + x); }
    static DEVICE float tanh(float x) { return approximate_tanh(x); }
    static DEVICE float sigmoid(float x) { return 0.5f * approximate_tanh(0.5f * x) + 0.5f; }
    static DEVICE float decay(float x) { return reciprocal(1.0f + exp(-x)); }
};

// `value` within ± limit; what is not a number stays so.
DEVICE float clamped(float value, float limit) {
    return value > limit ? limit : value < -limit ? -limit : value;
}
// The gradient of h, where h was not clipped.
DEVICE float unclipped(float gradient, float h, float limit) { return fabsf(h) >= limit ? 0.0f : gradient; }
DEVICE float sigmoid_slope(float value) { return value * (1.0f - value); }
DEVICE float tanh_slope(float value) { return 1.0f - value * value; }

// A cell has `gates` slots, of which the first `recurrent` receive R h and the last `inputs` receive Wx.
// `needs(s)` says whether the derivative asks for state s before the step, and `needed` counts them.
//
// step(gate, state, kept): replaces the states, and gives what step_back wants to know of the gates.
// step_back(kept, state, gradient, gate_gradient, limit): `state` before the step, where needed; `gradient`
// comes as that of the states after it and leaves as what P passes to those before; h was clipped to ± limit.

struct Elman {
    static constexpr int gates = 1, recurrent = 1, inputs = 1, states = 1, needed = 0;
    static constexpr DEVICE bool needs(int) { return false; }

    template <class F>
    static DEVICE void step(const float (&gate)[1], float (&state)[1], float (&kept)[1]) {
        kept[0] = gate[0];
        state[0] = F::tanh(gate[0]);  // E1
    }

    template <class F>
    static DEVICE void step_back(const float (&kept)[1], const float (&)[1], float (&gradient)[1],
                                 float (&gate_gradient)[1], float limit) {
        const float h = F::tanh(kept[0]);
        gate_gradient[0] = unclipped(gradient[0], h, limit) * tanh_slope(h);
        gradient[0] = 0.0f;
    }
};

struct Lstm {
    static constexpr int gates = 4, recurrent = 4, inputs = 4, states = 2, needed = 1;
    static constexpr DEVICE bool needs(int state) { return state == 1; }

    template <class F>
    static DEVICE void step(const float (&gate)[4], float (&state)[2], float (&kept)[4]) {
#pragma unroll
        for (int slot = 0; slot < 4; ++slot) kept[slot] = gate[slot];
        state[1] = F::decay(gate[1]) * state[1] + F::sigmoid(gate[0]) * F::tanh(gate[2]);  // L1
        state[0] = F::sigmoid(gate[3]) * F::tanh(state[1]);                                // L2
    }

    template <class F>
    static DEVICE void step_back(const float (&kept)[4], const float (&state)[2], float (&gradient)[2],
                                 float (&gate_gradient)[4], float limit) {
        const float i = F::sigmoid(kept[0]), f = F::decay(kept[1]), z = F::tanh(kept[2]), o = F::sigmoid(kept[3]);
        const float tanh_c = F::tanh(f * state[1] + i * z);
        const float dh = unclipped(gradient[0], o * tanh_c, limit);
        const float dc = gradient[1] + dh * o * tanh_slope(tanh_c);
        gate_gradient[0] = dc * z * sigmoid_slope(i);
        gate_gradient[1] = dc * state[1] * sigmoid_slope(f);
        gate_gradient[2] = dc * i * tanh_slope(z);
        gate_gradient[3] = dh * tanh_c * sigmoid_slope(o);
        gradient[0] = 0.0f;
        gradient[1] = dc * f;
    }
};

struct Gru {
    static constexpr int gates = 4, recurrent = 3, inputs = 3, states = 1, needed = 1;
    static constexpr DEVICE bool needs(int) { return true; }

    template <class F>
    static DEVICE void step(const float (&gate)[4], float (&state)[1], float (&kept)[4]) {
#pragma unroll
        for (int slot = 0; slot < 4; ++slot) kept[slot] = gate[slot];
        const float candidate = F::tanh(gate[3] + F::sigmoid(gate[1]) * gate[0]);  // G1
        const float z = F::decay(gate[2]);
        state[0] = z * state[0] + (1.0f - z) * candidate;  // G2
    }

    template <class F>
    static DEVICE void step_back(const float (&kept)[4], const float (&state)[1], float (&gradient)[1],
                                 float (&gate_gradient)[4], float limit) {
        const float g = kept[0], r = F::sigmoid(kept[1]), z = F::decay(kept[2]);
        const float candidate = F::tanh(kept[3] + r * g);
        const float dh = unclipped(gradient[0], z * state[0] + (1.0f - z) * candidate, limit);
        const float dn = dh * (1.0f - z) * tanh_slope(candidate);
        gate_gradient[0] = dn * r;
        gate_gradient[1] = dn * g * sigmoid_slope(r);
        gate_gradient[2] = dh * (state[0] - candidate) * sigmoid_slope(z);
        gate_gradient[3] = dn;
        gradient[0] = dh * z;
    }
};

// In place of gate i the sLSTM keeps i - (m_{t-1} + log σ(f)), from which both exponents of S2 follow: rounded
// to 16 bits, i and m_t could not be subtracted any more.
struct Slstm {
    static constexpr int gates = 4, recurrent = 4, inputs = 4, states = 4, needed = 2;
    static constexpr DEVICE bool needs(int state) { return state == 1 || state == 2; }

    // Only where n = 0 can the exponent of f be positive; there it is capped, so that 0 · exp(…) stays 0.
    static constexpr float largest_exponent = 88.0f;

    template <class F>
    static DEVICE void scales(float difference, bool fresh, float& i, float& f) {  // S2
        i = fresh ? 1.0f : F::exp(fminf(difference, 0.0f));
        f = fresh ? F::exp(fminf(-difference, largest_exponent)) : 1.0f;
    }

    template <class F>
    static DEVICE void step(const float (&gate)[4], float (&state)[4], float (&kept)[4]) {
        const float log_decay = fminf(gate[1], 0.0f) - F::log_one_plus(F::exp(-fabsf(gate[1])));
        const float carried = state[3] + log_decay, difference = gate[0] - carried;
        const bool fresh = state[2] == 0.0f || difference >= 0.0f;
        float i, f;
        scales<F>(difference, fresh, i, f);
        state[3] = fresh ? gate[0] : carried;                    // S1
        state[1] = f * state[1] + i * F::tanh(gate[2]);          // S3
        state[2] = fmaxf(f * state[2] + i, 1.0f);                // S4
        state[0] = F::sigmoid(gate[3]) * state[1] * reciprocal(state[2]);  // S5
        kept[0] = difference;
#pragma unroll
        for (int slot = 1; slot < 4; ++slot) kept[slot] = gate[slot];
    }

    template <class F>
    static DEVICE void step_back(const float (&kept)[4], const float (&state)[4], float (&gradient)[4],
                                 float (&gate_gradient)[4], float limit) {
        const bool fresh = state[2] == 0.0f || kept[0] >= 0.0f;
        float i, f;
        scales<F>(kept[0], fresh, i, f);
        const float z = F::tanh(kept[2]), o = F::sigmoid(kept[3]);
        const float c = f * state[1] + i * z, counted = f * state[2] + i;
        const float inverse = reciprocal(fmaxf(counted, 1.0f));
        const float dh = unclipped(gradient[0], o * c * inverse, limit);
        const float dc = gradient[1] + dh * o * inverse;
        const float dn = counted >= 1.0f ? gradient[2] - dh * o * c * inverse * inverse : 0.0f;
        // The gradients of the two exponents of S2. Both pass -1 times theirs to m_t, which passes what it
        // has to the argument it was taken from (S1).
        const float d_input = (dn + dc * z) * i;
        const bool capped = fresh && -kept[0] > largest_exponent;
        const float d_decay = capped ? 0.0f : (dn * state[2] + dc * state[1]) * f;
        const float d_carried = fresh ? d_decay : gradient[3] - d_input;
        gate_gradient[0] = fresh ? gradient[3] - d_decay : d_input;
        gate_gradient[1] = d_carried * F::sigmoid(-kept[1]);
        gate_gradient[2] = dc * i * tanh_slope(z);
        gate_gradient[3] = dh * c * inverse * sigmoid_slope(o);
        gradient[0] = 0.0f;
        gradient[1] = dc * f;
        gradient[2] = dn * f;
        gradient[3] = d_carried;
    }
};
