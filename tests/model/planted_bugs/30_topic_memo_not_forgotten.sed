# which stream a topic goes to is not thought over when there is another stream
# src/client/router.cpp
/^std::unique_ptr<Inbox> Router::open(/,/^}/s/^    memo_.forget();$//
