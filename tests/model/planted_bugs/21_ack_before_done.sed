# a message is acknowledged when its stream gives it, not when the next one is asked for
# src/client/inbox.cpp
s/^    in_hand_.sequence = owed.sequence;$/    if (router_) return router_->done(owed);/
