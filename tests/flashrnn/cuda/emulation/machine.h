// A GPU of the mind: every CUDA thread is a coroutine, warps take turns at random, and copies under way land
// at random moments. One operating-system thread runs it all, so that a seed fixes everything.
//
// What it finds: missing or misplaced barriers and waits, buffers reused too early, wrong indices, reads of
// what was never written (memory begins as NaN), writes beyond a block's shared memory, deadlocks, and a
// writer's missing fence: relaxed stores are seen late, each at its own time. What it cannot find: other
// faults of the memory model, as a reader's missing fence.
#pragma once
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace machine {

enum Outcome { finished = 0, deadlock = 1, out_of_bounds = 2, misaligned = 3 };

struct Warp;
struct Block;

struct Copy {
    void* to;
    const void* from;
    int bytes;
    bool valid;
};

struct Store {
    void* place;
    std::function<void()> act;
    int looks;  // of others, until it is seen
};

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    Warp* warp;
    Block* block;
    int index;
    bool ready = true, done = false;
    std::deque<std::vector<Copy>> groups;  // closed groups of copies under way, oldest first
    std::vector<Copy> open;
    std::deque<Store> stores;  // not yet seen by others
};

// An operation that all lanes of a warp do together: the last that comes does it for all.
struct Warp {
    std::vector<Thread*> lanes;
    void* operands[32];
    int arrived = 0;
    int asleep = 0;
};

struct Block {
    int x, y, z;
    std::vector<char> memory;
    std::vector<std::unique_ptr<Thread>> threads;
    std::vector<std::unique_ptr<Warp>> warps;
    int arrived = 0;
};

// Blocks that run at the same time, and may wait for each other.
struct Team {
    std::vector<std::unique_ptr<Block>> blocks;
    std::deque<std::function<void()>> deliveries;
    int arrived = 0;  // at the cluster's barrier
    int threads = 0;
};

struct Machine {
    std::mt19937 random;
    ucontext_t scheduler;
    Thread* current = nullptr;
    Team team;
    int grid[3];
    const std::function<void()>* kernel = nullptr;
    Outcome outcome = finished;
    long progress = 0;  // looking at something in vain is none

    bool chance(int one_in) { return random() % one_in == 0; }
};

inline Machine* the = nullptr;

// Sources altered for a test have faults, by number; this one is there.
inline int fault = 0;

inline void leave() { swapcontext(&the->current->context, &the->scheduler); }

// Lets other warps go first; for loops that look at something again and again.
inline void yield() { leave(); }

inline void fail(Outcome outcome) {
    the->outcome = outcome;
    for (;;) leave();
}

inline void enter() {
    (*the->kernel)();
    the->current->done = true;
    ++the->progress;
    leave();
}

// All lanes of the warp meet; `perform` sees the operand of each.
inline void together(void* operand, void (*perform)(void* const* operands)) {
    Thread* self = the->current;
    Warp* warp = self->warp;
    warp->operands[self->index % 32] = operand;
    ++the->progress;
    if (++warp->arrived == int(warp->lanes.size())) {
        warp->arrived = 0;
        perform(warp->operands);
        for (Thread* lane : warp->lanes) lane->ready = true;
        if (the->chance(4)) warp->asleep = the->random() % (the->chance(8) ? 2000 : 32);
    } else {
        self->ready = false;
    }
    leave();
}

inline void meet(int& arrived, int all, const std::function<void(const std::function<void(Thread*)>&)>& each) {
    ++the->progress;
    if (++arrived == all) {
        arrived = 0;
        each([](Thread* thread) { thread->ready = true; });
    } else {
        the->current->ready = false;
    }
    leave();
}

inline void block_barrier() {
    Block* block = the->current->block;
    meet(block->arrived, int(block->threads.size()), [&](const auto& wake) {
        for (auto& thread : block->threads) wake(thread.get());
    });
}

inline void cluster_barrier() {
    meet(the->team.arrived, the->team.threads, [&](const auto& wake) {
        for (auto& block : the->team.blocks)
            for (auto& thread : block->threads) wake(thread.get());
    });
}

inline void land(const Copy& copy) {
    if (copy.valid) std::memcpy(copy.to, copy.from, copy.bytes);
    else std::memset(copy.to, 0, copy.bytes);
}

// Whatever is on its way may land now, or much later.
inline void deliver() {
    auto& deliveries = the->team.deliveries;
    if (deliveries.empty() || !the->chance(3)) return;
    const size_t which = the->random() % deliveries.size();
    auto delivery = std::move(deliveries[which]);
    deliveries.erase(deliveries.begin() + which);
    ++the->progress;
    delivery();
}

// A store that others see later; in one place they see a thread's stores in their order.
template <class T>
void store_later(T* place, const T& value) {
    auto& stores = the->current->stores;
    for (auto store = stores.begin(); store != stores.end();)
        if (store->place == place) {
            store->act();
            store = stores.erase(store);
        } else {
            ++store;
        }
    stores.push_back({place, [=] { *place = value; }, int(the->random() % (the->chance(64) ? 2000 : 8))});
}

// Others see all that this thread has stored.
inline void fence() {
    for (const Store& store : the->current->stores) store.act();
    the->current->stores.clear();
}

// Others look: what has been on its way for long enough is seen.
inline void look(Thread& thread) {
    auto& stores = thread.stores;
    for (auto store = stores.begin(); store != stores.end();)
        if (store->looks-- == 0) {
            store->act();
            store = stores.erase(store);
            ++the->progress;
        } else {
            ++store;
        }
}

constexpr int guard = 256;

// Runs one team of blocks to its end.
inline Outcome run_team(int threads, int shared_bytes, const std::vector<std::array<int, 3>>& places) {
    Team& team = the->team;
    team = Team();
    std::vector<Warp*> warps;
    for (const auto& place : places) {
        auto block = std::make_unique<Block>();
        block->x = place[0], block->y = place[1], block->z = place[2];
        block->memory.assign(shared_bytes + guard, char(0xff));
        for (int i = 0; i < threads; ++i) {
            if (i % 32 == 0) block->warps.push_back(std::make_unique<Warp>());
            auto thread = std::make_unique<Thread>();
            thread->index = i, thread->block = block.get(), thread->warp = block->warps.back().get();
            thread->warp->lanes.push_back(thread.get());
            thread->stack = std::make_unique<char[]>(1 << 16);
            getcontext(&thread->context);
            thread->context.uc_stack.ss_sp = thread->stack.get();
            thread->context.uc_stack.ss_size = 1 << 16;
            thread->context.uc_link = nullptr;
            makecontext(&thread->context, enter, 0);
            block->threads.push_back(std::move(thread));
        }
        for (auto& warp : block->warps) warps.push_back(warp.get());
        team.threads += threads;
        team.blocks.push_back(std::move(block));
    }
    long idle = 0, progress = -1;
    while (!warps.empty() && the->outcome == finished) {
        deliver();
        const size_t which = the->random() % warps.size();
        Warp* warp = warps[which];
        if (warp->asleep > 0) {
            --warp->asleep;
            continue;
        }
        bool left = false;
        for (Thread* lane : warp->lanes) look(*lane);
        for (Thread* lane : warp->lanes) {
            if (lane->done || !lane->ready) {
                left |= !lane->done;
                continue;
            }
            the->current = lane;
            swapcontext(&the->scheduler, &lane->context);
            left |= !lane->done;
            if (the->outcome != finished) break;
        }
        idle = the->progress != progress ? 0 : idle + 1;
        progress = the->progress;
        if (!left) warps.erase(warps.begin() + which);
        if (idle > 100000) the->outcome = deadlock;
    }
    for (auto& block : team.blocks)
        for (int i = 0; i < guard; ++i)
            if (block->memory[shared_bytes + i] != char(0xff)) the->outcome = out_of_bounds;
    return the->outcome;
}

// Launches a kernel; blocks of one team are those that differ in x alone ("cluster"), all ("grid"), or each is
// its own ("block").
inline Outcome launch(const std::function<void()>& kernel, const int (&grid)[3], int threads, int shared_bytes,
                      char kind, unsigned seed) {
    Machine machine;
    the = &machine;
    machine.random.seed(seed);
    machine.kernel = &kernel;
    std::copy(grid, grid + 3, machine.grid);
    std::vector<std::array<int, 3>> team;
    for (int z = 0; z < grid[2]; ++z)
        for (int y = 0; y < grid[1]; ++y)
            for (int x = 0; x < grid[0]; ++x) {
                team.push_back({x, y, z});
                const bool last_x = x == grid[0] - 1, last = last_x && y == grid[1] - 1 && z == grid[2] - 1;
                if (kind == 'b' || (kind == 'c' && last_x) || last) {
                    if (run_team(threads, shared_bytes, team) != finished) return machine.outcome;
                    team.clear();
                }
            }
    return machine.outcome;
}

}  // namespace machine
