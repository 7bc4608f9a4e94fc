"""Graphs: a list of successors for each vertex, which are numbered from 0."""

from __future__ import annotations


def components(graph: list[list[int]]) -> list[int]:
    """The strongly connected component of each vertex (Tarjan 1972, without recursion)."""
    count = len(graph)
    index = [-1] * count
    low = [0] * count
    component = [-1] * count
    stack: list[int] = []
    counter = found = 0
    for root in range(count):
        if index[root] >= 0:
            continue
        work = [(root, 0)]
        while work:
            vertex, position = work.pop()
            if position == 0:
                index[vertex] = low[vertex] = counter
                counter += 1
                stack.append(vertex)
            descended = False
            neighbours = graph[vertex]
            while position < len(neighbours):
                neighbour = neighbours[position]
                position += 1
                if index[neighbour] < 0:
                    work.append((vertex, position))
                    work.append((neighbour, 0))
                    descended = True
                    break
                if component[neighbour] < 0:
                    low[vertex] = min(low[vertex], index[neighbour])
            if descended:
                continue
            if low[vertex] == index[vertex]:
                while True:
                    member = stack.pop()
                    component[member] = found
                    if member == vertex:
                        break
                found += 1
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[vertex])
    return component
