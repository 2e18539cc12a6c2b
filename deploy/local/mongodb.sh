# shellcheck shell=bash
# Sourced by with-databases: a private MongoDB, or the MongoDB-compatible server where there is no mongod.

start_mongodb() { # folder, port
    mkdir "$1/data"
    if have mongod; then
        launch "$1" mongod --bind_ip 127.0.0.1 --port "$2" --dbpath "$1/data" --replSet ig
    elif have secantusd-rs; then
        # An empty file keeps it from reading settings in the home folder.
        : >"$1/secantusd.toml"
        # Without --sync-on-commit, a kill loses acknowledged writes.
        launch "$1" secantusd-rs --config "$1/secantusd.toml" --host 127.0.0.1 --port "$2" \
            --storage-path "$1/data" --sync-on-commit
    else
        fail 'neither mongod nor secantusd-rs is installed: run make setup'
    fi
}

# Whether the server accepts writes. A fresh mongod accepts them once it is a replica set of one;
# asking it again on every call until then is harmless.
mongodb_answers() { # folder, port
    local reply
    reply=$(mongodb_command "$2" "$HELLO") || return 1
    [[ $reply != *"$WRITABLE_PRIMARY"* ]] || return 0
    mongodb_command "$2" "$REPL_SET_INITIATE" >/dev/null || true
    return 1
}

# The wire messages are spelled out because no client may be installed: an OP_MSG is a header of
# 16 bytes (length, id, 0, opcode 2013), four zero bytes of flags, a zero byte and BSON.
OP_MSG_TAIL='\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0'
# {hello: 1, $db: "admin"}
HELLO='\x34\0\0\0'$OP_MSG_TAIL'\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0'
# {replSetInitiate: {}, $db: "admin"}
REPL_SET_INITIATE='\x3f\0\0\0'$OP_MSG_TAIL'\x2a\0\0\0\x03replSetInitiate\0\x05\0\0\0\0\x02$db\0\x06\0\0\0admin\0\0'
# isWritablePrimary: true, in hexadecimal like the output of mongodb_command
WRITABLE_PRIMARY=$(printf 'isWritablePrimary\0\x01' | od -An -v -tx1 | tr -d ' \n')

# Sends one message to the server and prints its reply in hexadecimal.
mongodb_command() { # port, message
    (
        exec {socket}<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf '%b' "$2" >&"$socket"
        # The first four bytes of a reply are its length.
        length=$(timeout 2 head -c 4 <&"$socket" | od -An -tu4)
        [[ -n $length ]] || exit 1
        timeout 2 head -c "$((length - 4))" <&"$socket" | od -An -v -tx1 | tr -d ' \n'
    ) 2>/dev/null
}
