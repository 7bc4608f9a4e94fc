// The cells on one hidden unit: `step` is the pointwise function P, `Derivative` its derivative. The numbers
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
// Whether a gradient passes h: where h was not clipped.
DEVICE float unclipped(float h, float limit) { return fabsf(h) >= limit ? 0.0f : 1.0f; }
DEVICE float sigmoid_slope(float value) { return value * (1.0f - value); }
DEVICE float tanh_slope(float value) { return 1.0f - value * value; }

// A cell has `gates` slots, of which the first `recurrent` receive R h and the last `inputs` receive Wx.
// `needs(s)` says whether the derivative asks for state s before the step, and `needed` counts them.
//
// step(gate, state, kept): replaces the states, and gives what the derivative wants to know of the gates.
// Derivative(kept, state, limit): what it needs of a step but the gradients; `state` before the step, where
// needed; h was clipped to ± limit. All that is slow is here, where no step waits for it.
// apply(gradient, gate_gradient): `gradient` comes as that of the states after the step and leaves as what P
// passes to those before.

struct Elman {
    static constexpr int gates = 1, recurrent = 1, inputs = 1, states = 1, needed = 0;
    static constexpr DEVICE bool needs(int) { return false; }

    template <class F>
    static DEVICE void step(const float (&gate)[1], float (&state)[1], float (&kept)[1]) {
        kept[0] = gate[0];
        state[0] = F::tanh(gate[0]);  // E1
    }

    template <class F>
    struct Derivative {
        float slope;
        DEVICE Derivative() {}
        DEVICE Derivative(const float (&kept)[1], const float (&)[1], float limit) {
            const float h = F::tanh(kept[0]);
            slope = unclipped(h, limit) * tanh_slope(h);
        }
        DEVICE void apply(float (&gradient)[1], float (&gate_gradient)[1]) const {
            gate_gradient[0] = gradient[0] * slope;
            gradient[0] = 0.0f;
        }
    };
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
    struct Derivative {
        float forget, h_to_c, to_gate[4];
        DEVICE Derivative() {}
        DEVICE Derivative(const float (&kept)[4], const float (&state)[2], float limit) {
            const float i = F::sigmoid(kept[0]), z = F::tanh(kept[2]), o = F::sigmoid(kept[3]);
            forget = F::decay(kept[1]);
            const float tanh_c = F::tanh(forget * state[1] + i * z), passes = unclipped(o * tanh_c, limit);
            h_to_c = passes * o * tanh_slope(tanh_c);
            to_gate[0] = z * sigmoid_slope(i);
            to_gate[1] = state[1] * sigmoid_slope(forget);
            to_gate[2] = i * tanh_slope(z);
            to_gate[3] = passes * tanh_c * sigmoid_slope(o);
        }
        DEVICE void apply(float (&gradient)[2], float (&gate_gradient)[4]) const {
            const float dc = gradient[1] + gradient[0] * h_to_c;
#pragma unroll
            for (int slot = 0; slot < 4; ++slot) gate_gradient[slot] = (slot == 3 ? gradient[0] : dc) * to_gate[slot];
            gradient[0] = 0.0f;
            gradient[1] = dc * forget;
        }
    };
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
    struct Derivative {
        float to_h, to_gate[4];
        DEVICE Derivative() {}
        DEVICE Derivative(const float (&kept)[4], const float (&state)[1], float limit) {
            const float g = kept[0], r = F::sigmoid(kept[1]), z = F::decay(kept[2]);
            const float candidate = F::tanh(kept[3] + r * g);
            const float passes = unclipped(z * state[0] + (1.0f - z) * candidate, limit);
            to_h = passes * z;
            to_gate[3] = passes * (1.0f - z) * tanh_slope(candidate);
            to_gate[0] = to_gate[3] * r;
            to_gate[1] = to_gate[3] * g * sigmoid_slope(r);
            to_gate[2] = passes * (state[0] - candidate) * sigmoid_slope(z);
        }
        DEVICE void apply(float (&gradient)[1], float (&gate_gradient)[4]) const {
#pragma unroll
            for (int slot = 0; slot < 4; ++slot) gate_gradient[slot] = gradient[0] * to_gate[slot];
            gradient[0] *= to_h;
        }
    };
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
    struct Derivative {
        bool fresh;
        float f, i, z, n_passes, h_to_c, h_to_n, c_to_decay, n_to_decay, to_f, to_z, to_o;
        DEVICE Derivative() {}
        DEVICE Derivative(const float (&kept)[4], const float (&state)[4], float limit) {
            fresh = state[2] == 0.0f || kept[0] >= 0.0f;
            scales<F>(kept[0], fresh, i, f);
            z = F::tanh(kept[2]);
            const float o = F::sigmoid(kept[3]), c = f * state[1] + i * z, counted = f * state[2] + i;
            const float inverse = reciprocal(fmaxf(counted, 1.0f)), passes = unclipped(o * c * inverse, limit);
            n_passes = counted >= 1.0f ? 1.0f : 0.0f;
            h_to_c = passes * o * inverse;
            h_to_n = n_passes * h_to_c * c * inverse;
            const bool capped = fresh && -kept[0] > largest_exponent;
            c_to_decay = capped ? 0.0f : state[1] * f;
            n_to_decay = capped ? 0.0f : state[2] * f;
            to_f = F::sigmoid(-kept[1]);
            to_z = i * tanh_slope(z);
            to_o = passes * c * inverse * sigmoid_slope(o);
        }
        // The gradients of the two exponents of S2 both pass -1 times theirs to m_t, which passes what it has
        // to the argument it was taken from (S1).
        DEVICE void apply(float (&gradient)[4], float (&gate_gradient)[4]) const {
            const float dc = gradient[1] + gradient[0] * h_to_c;
            const float dn = gradient[2] * n_passes - gradient[0] * h_to_n;
            const float d_input = (dn + dc * z) * i, d_decay = dn * n_to_decay + dc * c_to_decay;
            const float d_carried = fresh ? d_decay : gradient[3] - d_input;
            gate_gradient[0] = fresh ? gradient[3] - d_decay : d_input;
            gate_gradient[1] = d_carried * to_f;
            gate_gradient[2] = dc * to_z;
            gate_gradient[3] = gradient[0] * to_o;
            gradient[0] = 0.0f;
            gradient[1] = dc * f;
            gradient[2] = dn * f;
            gradient[3] = d_carried;
        }
    };
};
