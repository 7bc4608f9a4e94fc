// The entries: one kernel for each family and direction.
#pragma once
#include "backward.cuh"
#include "forward.cuh"

#define SIZES                                                                                              \
    int HeadDim, int Units, int BatchTile, int UnitWarps, int SumWarps, int RegisterSteps, int SharedSteps, \
        int Stages, int BlocksPerSm
#define FORWARD_SHAPE                                                                                       \
    Shape<Math, Cell::recurrent, true, HeadDim, Units, BatchTile, UnitWarps, SumWarps, RegisterSteps,       \
          SharedSteps, Stages>
#define BACKWARD_SHAPE                                                                                      \
    Shape<Math, Cell::recurrent, false, HeadDim, Units, BatchTile, UnitWarps, SumWarps, RegisterSteps,      \
          SharedSteps, Stages>
#define FORWARD_TEMPLATE \
    template <class Cell, class Math, class Functions, class Input, class State, class Gate, SIZES, bool Training>
#define BACKWARD_TEMPLATE template <class Cell, class Math, class Functions, class State, class Gate, SIZES>
#define FORWARD(Family) \
    Forward<Cell, FORWARD_SHAPE, Family, Functions, Input, State, Gate, Training>(arguments).run()
#define BACKWARD(Family) Backward<Cell, BACKWARD_SHAPE, Family, Functions, State, Gate>(arguments).run()

FORWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_block_forward(const Arguments arguments) {
    FORWARD(Block);
}
BACKWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_block_backward(const Arguments arguments) {
    BACKWARD(Block);
}

FORWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_grid_forward(const Arguments arguments) {
    FORWARD(Grid);
}
BACKWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_grid_backward(const Arguments arguments) {
    BACKWARD(Grid);
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
FORWARD_TEMPLATE
CLUSTER_KERNEL(HeadDim / Units, 32 * UnitWarps * SumWarps, BlocksPerSm)
flashrnn_cluster_forward(const Arguments arguments) {
    FORWARD(Cluster);
}
BACKWARD_TEMPLATE
CLUSTER_KERNEL(HeadDim / Units, 32 * UnitWarps * SumWarps, BlocksPerSm)
flashrnn_cluster_backward(const Arguments arguments) {
    BACKWARD(Cluster);
}
#endif
