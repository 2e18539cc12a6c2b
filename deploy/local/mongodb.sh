# shellcheck shell=bash
# Sourced by with-databases: a private MongoDB, or the MongoDB-compatible server when there is none.

start_mongodb() { # folder, port
    mkdir "$1/data"
    if have mongod; then
        launch "$1" mongod --bind_ip 127.0.0.1 --port "$2" --dbpath "$1/data" --replSet ig
    elif have secantusd-rs; then
        # An empty file, so that it does not look for settings in the home folder.
        : >"$1/secantusd.toml"
        # Without --sync-on-commit it loses acknowledged writes when it is killed.
        launch "$1" secantusd-rs --config "$1/secantusd.toml" --host 127.0.0.1 --port "$2" \
            --storage-path "$1/data" --sync-on-commit
    else
        fail 'neither mongod nor secantusd-rs is here: run make setup'
    fi
}

# Whether the server takes writes. A fresh mongod does only after it was told to be a replica
# set of one; it is told on every turn until it is, which is harmless.
mongodb_answers() { # folder, port
    local reply
    reply=$(mongodb_command "$2" "$HELLO") || return 1
    [[ $reply != *"$WRITABLE_PRIMARY"* ]] || return 0
    mongodb_command "$2" "$REPL_SET_INITIATE" >/dev/null || true
    return 1
}

# The wire messages are written out, because no client can be taken for granted: an OP_MSG is a
# header of 16 bytes (length, id, 0, opcode 2013), four zero bytes of flags, a zero byte and BSON.
OP_MSG_TAIL='\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0'
# {hello: 1, $db: "admin"}
HELLO='\x34\0\0\0'$OP_MSG_TAIL'\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0'
# {replSetInitiate: {}, $db: "admin"}
REPL_SET_INITIATE='\x3f\0\0\0'$OP_MSG_TAIL'\x2a\0\0\0\x03replSetInitiate\0\x05\0\0\0\0\x02$db\0\x06\0\0\0admin\0\0'
# isWritablePrimary: true, in hexadecimal as mongodb_command answers
WRITABLE_PRIMARY=$(printf 'isWritablePrimary\0\x01' | od -An -v -tx1 | tr -d ' \n')

# Sends one message to the server and prints its answer in hexadecimal.
mongodb_command() { # port, message
    (
        exec {socket}<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf '%b' "$2" >&"$socket"
        # The first four bytes of an answer are its length.
        length=$(timeout 2 head -c 4 <&"$socket" | od -An -tu4)
        [[ -n $length ]] || exit 1
        timeout 2 head -c "$((length - 4))" <&"$socket" | od -An -v -tx1 | tr -d ' \n'
    ) 2>/dev/null
}
