# a message of several streams is acknowledged when the first is done with it
# src/client/router.cpp
s/^    if (--found->second.holders > 0) return true;$/    --found->second.holders;/
