# after PUBREC and an end of the link, PUBLISH is sent again instead of PUBREL
# src/session/session.cpp
s/^    releases_.for_each(off_link);$/    resend_.splice_back(releases_);\n&/
