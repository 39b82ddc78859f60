# a subscription is not restored where a CONNECT was not answered and the broker has lost the session
# src/session/session_publish.cpp
s/^        restore_subscriptions(true);$//
