# what was not sent again on a link that ended goes before what was
# src/session/session.cpp
s/^    sent_.splice_back(resend_);$/    resend_.splice_back(sent_);/
