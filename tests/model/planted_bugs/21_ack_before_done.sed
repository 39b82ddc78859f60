# a message is acknowledged when its stream gives it, not when the next one is asked for
# src/client/inbox.cpp
s/^    in_hand_ = next.delivery;$/    if (router_) router_->done(next.delivery);/
