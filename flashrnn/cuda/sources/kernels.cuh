// The entries: one kernel for each family and direction, and the dynamic shared memory of its blocks.
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
#define FORWARD(Family) Forward<Cell, FORWARD_SHAPE, Family, Functions, Input, State, Gate, Training>
#define BACKWARD(Family) Backward<Cell, BACKWARD_SHAPE, Family, Functions, State, Gate>

FORWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_block_forward(const Arguments arguments) {
    FORWARD(Block)(arguments).run();
}
FORWARD_TEMPLATE
constexpr int flashrnn_block_forward_shared_bytes = FORWARD(Block)::Areas::bytes;
BACKWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_block_backward(const Arguments arguments) {
    BACKWARD(Block)(arguments).run();
}
BACKWARD_TEMPLATE
constexpr int flashrnn_block_backward_shared_bytes = BACKWARD(Block)::Areas::bytes;

FORWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_grid_forward(const Arguments arguments) {
    FORWARD(Grid)(arguments).run();
}
FORWARD_TEMPLATE
constexpr int flashrnn_grid_forward_shared_bytes = FORWARD(Grid)::Areas::bytes;
BACKWARD_TEMPLATE
KERNEL(32 * UnitWarps * SumWarps, BlocksPerSm) flashrnn_grid_backward(const Arguments arguments) {
    BACKWARD(Grid)(arguments).run();
}
BACKWARD_TEMPLATE
constexpr int flashrnn_grid_backward_shared_bytes = BACKWARD(Grid)::Areas::bytes;

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
FORWARD_TEMPLATE
CLUSTER_KERNEL(HeadDim / Units, 32 * UnitWarps * SumWarps, BlocksPerSm)
flashrnn_cluster_forward(const Arguments arguments) {
    FORWARD(Cluster)(arguments).run();
}
FORWARD_TEMPLATE
constexpr int flashrnn_cluster_forward_shared_bytes = FORWARD(Cluster)::Areas::bytes;
BACKWARD_TEMPLATE
CLUSTER_KERNEL(HeadDim / Units, 32 * UnitWarps * SumWarps, BlocksPerSm)
flashrnn_cluster_backward(const Arguments arguments) {
    BACKWARD(Cluster)(arguments).run();
}
BACKWARD_TEMPLATE
constexpr int flashrnn_cluster_backward_shared_bytes = BACKWARD(Cluster)::Areas::bytes;
#endif
