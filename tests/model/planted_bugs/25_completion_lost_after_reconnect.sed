# who waits to be connected does not hear of it where the broker has kept the session
# src/client/supervisor.cpp
s/^        place->operation.finish();$/        if (!session_present_) place->operation.finish();/
