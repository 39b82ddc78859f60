# who waits for room keeps its place when it is dropped: those behind it are not told
# src/client/operations.cpp
s/^    core_->waiter_left();$//
