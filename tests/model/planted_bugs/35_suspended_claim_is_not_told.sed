# who waits for PUBACK hears nothing when the client has given up
# src/session/session.cpp
s/^        make_ready(exchange.fail_claim(why));/        (void)exchange.fail_claim(why);/
