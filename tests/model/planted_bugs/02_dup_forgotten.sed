# a message that is sent again does not have DUP
# src/session/session.cpp
s/^        exchange.mark_dup();$//
