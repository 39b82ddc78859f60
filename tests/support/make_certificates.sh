#!/usr/bin/env bash
# Makes the certificates that the tests and the example of TLS use: <folder>/<name>.pem and <name>.key, with the openssl program.
#
#   tests/support/make_certificates.sh <folder>
#
# ca                the authority that is trusted         other-ca          one that is not
# server            localhost, 127.0.0.1, ::1, *.example.test; of the authority
# server-rsa        the same with an RSA key              server-ed25519    the same with an Ed25519 key
# server-chain      the same, issued by an authority between; the file has both certificates
# server-common     no other name than the common name localhost
# expired           the same, valid until yesterday       not-yet           valid from 2099 on
# wrong-host        good, for broker.elsewhere.test alone
# unknown           for localhost, of the other authority
# self-signed       for localhost, of nobody              expired-ca        an authority valid until yesterday
# under-expired     for localhost, of the latter; with an authority between under-expired-chain, which has both
# ca-by-expired     the authority that is trusted, with its key, as the latter vouches for it
# future-ca         an authority valid from 2099 on       under-future      for localhost, of the latter
# under-server      the same names, issued by server, which may issue nothing; the file has both certificates
# too-deep          for localhost, behind an authority (below) whose own (narrow) may issue no others; all three
# odd-names         DNS:127.0.0.1, DNS:*.0.0.1, DNS:*, DNS:l*st, an e-mail address and a URI; its common name is localhost
# common-address    no other name than the common name 127.0.0.1
# only-email        no other name than an e-mail address  only-id           the same with a registered identifier
#                   (the common name of both is localhost)
# client            a client of the authority             other-client      a client of the other one
set -euo pipefail

folder=${1:?usage: make_certificates.sh <folder>}
mkdir -p "$folder"
cd "$folder"
log=make_certificates.log
: >"$log"
trap 'status=$?; [[ $status -eq 0 ]] || cat "$log" >&2' EXIT

new_key() { # name, algorithm
    case ${2-ec} in
    ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    like-*) cp "${2#like-}.key" "$1.key" ;;
    ed25519) openssl genpkey -algorithm ED25519 -out "$1.key" ;;
    esac >>"$log" 2>&1
}

authority() { # name, common name
    new_key "$1"
    openssl req -x509 -new -key "$1.key" -subj "/O=Culex tests/CN=$2" -days 7300 -out "$1.pem" \
        -addext 'keyUsage=critical,keyCertSign,cRLSign' >>"$log" 2>&1
}

# Dates are given by `openssl ca` alone, which wants a configuration and a register for each authority.
issue() { # name, authority or its own, common name, extensions, [first second, last second], [key's algorithm]
    local name=$1 ca=$2 subject=$3 extensions=$4 from=${5-20200101000000Z} to=${6-20990101000000Z}
    new_key "$name" "${7-ec}"
    mkdir -p register
    : >"register/$ca.txt"
    printf '%s\n' '[ca]' 'default_ca = this' '[this]' "database = register/$ca.txt" 'rand_serial = yes' \
        'new_certs_dir = register' 'default_md = sha256' 'policy = any' 'unique_subject = no' '[any]' \
        'organizationName = optional' 'commonName = supplied' '[extensions]' "$extensions" >register/this.cnf
    openssl req -new -key "$name.key" -subj "/O=Culex tests/CN=$subject" -out register/this.csr >>"$log" 2>&1
    local issuer=(-cert "$ca.pem" -keyfile "$ca.key")
    [[ $ca != "$name" ]] || issuer=(-selfsign -keyfile "$name.key")
    openssl ca -batch -notext -config register/this.cnf -extensions extensions "${issuer[@]}" \
        -startdate "$from" -enddate "$to" -in register/this.csr -out "$name.pem" >>"$log" 2>&1
}

here=$'subjectAltName = DNS:localhost,DNS:*.example.test,IP:127.0.0.1,IP:::1\nextendedKeyUsage = serverAuth'
an_authority=$'basicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash'
for_clients='extendedKeyUsage = clientAuth'
yesterday=$(date -u -d yesterday +%Y%m%d%H%M%SZ)

authority ca "Culex test authority"
authority other-ca "Some other authority"
issue server ca localhost "$here"
issue server-rsa ca localhost "$here" 20200101000000Z 20990101000000Z rsa
issue server-ed25519 ca localhost "$here" 20200101000000Z 20990101000000Z ed25519
issue server-common ca localhost 'extendedKeyUsage = serverAuth'
issue expired ca localhost "$here" 20200101000000Z "$yesterday"
issue not-yet ca localhost "$here" 20990101000000Z 20990601000000Z
issue wrong-host ca broker.elsewhere.test $'subjectAltName = DNS:broker.elsewhere.test\nextendedKeyUsage = serverAuth'
issue unknown other-ca localhost "$here"
issue client ca "client one" "$for_clients"
issue other-client other-ca "stranger" "$for_clients"
issue between ca "Culex authority between" $'basicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign'
issue server-chain between localhost "$here"
cat between.pem >>server-chain.pem
issue self-signed self-signed localhost "$here"
issue expired-ca expired-ca "Authority of the past" "$an_authority" 20200101000000Z "$yesterday"
issue under-expired expired-ca localhost "$here"
issue between-expired expired-ca "Culex authority between" "$an_authority"
issue under-expired-chain between-expired localhost "$here"
cat between-expired.pem >>under-expired-chain.pem
issue ca-by-expired expired-ca "Culex test authority" "$an_authority" 20200101000000Z 20990101000000Z like-ca
issue future-ca future-ca "Authority of the future" "$an_authority" 20990101000000Z 20990601000000Z
issue under-future future-ca localhost "$here"
issue under-server server "of a server" "$here"
cat server.pem >>under-server.pem
issue narrow ca "Culex authority that may make no other" "${an_authority/CA:true/CA:true,pathlen:0}"
issue below narrow "Culex authority below" "$an_authority"
issue too-deep below localhost "$here"
cat below.pem narrow.pem >>too-deep.pem
issue odd-names ca localhost 'subjectAltName = DNS:127.0.0.1,DNS:*.0.0.1,DNS:*,DNS:l*st,email:a@example.test,URI:mqtts://localhost'
issue common-address ca 127.0.0.1 'extendedKeyUsage = serverAuth'
issue only-email ca localhost 'subjectAltName = email:a@example.test'
issue only-id ca localhost 'subjectAltName = RID:1.2.3'
# A certificate directory, as some systems have it.
mkdir -p authorities
cp ca.pem other-ca.pem authorities/
rm -rf register
