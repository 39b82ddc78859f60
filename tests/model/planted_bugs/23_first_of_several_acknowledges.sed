# a message of several streams is acknowledged when the first is done with it
# src/client/router.cpp
s/^    if (--shared.holders > 0) return true;$/    --shared.holders;/
