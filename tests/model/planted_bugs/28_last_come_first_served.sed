# the last who waits for room is served first
# src/client/publish.cpp
s/^    waiting_for_room_.push_back(operation.place_);$/    waiting_for_room_.push_front(operation.place_);/
