# a stream that is dropped acknowledges what it did not hand out, though its consumer was to say so
# src/client/router.cpp
s/^    if (!shared_ || !shared_->contains(unseen.sequence)) session_.give_back(unseen);$/    done(unseen);/
