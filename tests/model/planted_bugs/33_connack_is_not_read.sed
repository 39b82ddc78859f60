# a client whose streams are full does not read CONNACK to its end (this one was there)
# src/client/core.cpp
s/^    if (!link_ || !session_.connected()) return;$/    if (!link_) return;/
