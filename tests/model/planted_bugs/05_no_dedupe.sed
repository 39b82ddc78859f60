# a QoS 2 message that the broker sends again is handed on again
# src/session/inbound.cpp
s/^        if (!new_session && !unseen) {$/        if (!new_session \&\& !unseen \&\& !message.dup()) {/
