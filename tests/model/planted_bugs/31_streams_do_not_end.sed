# streams do not end when the client has disconnected
# src/client/supervisor.cpp
s/^    if (ever_connected_ || !why) router_.end(why);$/    if (ever_connected_ \&\& why) router_.end(why);/
