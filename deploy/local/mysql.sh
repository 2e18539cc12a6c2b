# shellcheck shell=bash
# Sourced by with-databases: a private MariaDB.

# Starts MariaDB with an empty data folder. root has no password, and the server listens on loopback alone.
start_mysql() { # folder, port
    local -a user=()
    # MariaDB runs as root only with an explicit --user.
    ((EUID != 0)) || user=(--user=root)
    cp -r --sparse=always "$(mysql_template "${user[@]}")" "$1/data"
    # The log is flushed once a second: acknowledged writes survive a kill of the process, and
    # a power cut does not matter here. The socket's path is relative to the data folder,
    # because an absolute one may exceed the kernel's limit.
    launch "$1" mariadbd --no-defaults "${user[@]}" --datadir="$1/data" \
        --skip-networking=0 --bind-address=127.0.0.1 --port="$2" --socket=mariadbd.sock \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci \
        --max-connections=500 --max-allowed-packet=128M --innodb-flush-log-at-trx-commit=2
}

# Prints the folder with the data of a server that never ran. Creating it is bound by the disk
# (half a second, several on a busy one) and copying it is not, so it is created once.
mysql_template() { # arguments for mariadb-install-db
    local version template fresh
    version=$(mariadbd --no-defaults --version | awk '{print $3}')
    template="$IG_CACHE_DIR/mariadb-$version"
    if [[ ! -d $template ]]; then
        mkdir -p "$IG_CACHE_DIR"
        fresh=$(mktemp -d "$template.XXXXXX")
        mariadb-install-db --no-defaults "$@" --datadir="$fresh" --skip-test-db \
            --auth-root-authentication-method=normal >"$fresh.log" 2>&1 ||
            { tail -n 20 "$fresh.log" >&2; fail 'mariadb-install-db failed'; }
        # A concurrent run may have created the same template first.
        mv -T "$fresh" "$template" 2>/dev/null || rm -rf "$fresh"
        rm "$fresh.log"
    fi
    printf '%s\n' "$template"
}

# Whether the server on the port is the one with our data.
mysql_answers() { # folder, port
    local answer
    answer=$(mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$2" --user=root \
        --batch --skip-column-names --execute='SELECT @@datadir' 2>/dev/null) || return 1
    [[ $answer -ef $1/data ]]
}
