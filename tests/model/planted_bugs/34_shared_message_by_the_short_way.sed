# the short way of an acknowledgement does not ask whether another stream has the message too
# src/client/router.hpp
s/if ((shared_ && !shared_->empty()) || /if (/
