# a message that goes back into its stream counts as the one in hand all the same
# src/client/inbox.cpp
s/std::exchange(in_hand_, {})});$/in_hand_});/
