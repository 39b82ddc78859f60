# a stream that is dropped acknowledges what it did not hand out, though its consumer was to say so
# src/client/router.cpp
s/^    if (!shared_ || !shared_->contains(delivery.sequence)) return session_.give_back(delivery);$/    return done(delivery);/
