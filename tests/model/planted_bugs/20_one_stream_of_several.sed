# a message that matches several streams goes to one of them alone
# src/client/router.cpp
s/^        push(inbox, Message(message));$/        --walk.holders;/
