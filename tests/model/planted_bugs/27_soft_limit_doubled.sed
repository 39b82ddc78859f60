# the client reads on up to twice the soft limit
# src/client/core.cpp
s/messages <= limits.soft_messages;/messages <= 2 * limits.soft_messages;/
