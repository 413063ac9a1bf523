# shellcheck shell=bash
# Shared by the old doors: finds lucid, or builds it from this checkout.
lucid() {
  if [ -n "${LUCID:-}" ]; then "$LUCID" "$@"
  elif command -v lucid >/dev/null 2>&1; then command lucid "$@"
  else cargo run --quiet --release --manifest-path "$root/Cargo.toml" --package lucid -- "$@"
  fi
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
environment=production
args=(--file "$root/lucid.yaml")
verbosity() { # the old --log-level, as repetitions of -v
  case $1 in
    debug) args+=(-vv) ;;
    info) args+=(-v) ;;
    warn | warning | error) ;;
    *) echo "unknown log level: $1 (debug, info, warn or error)" >&2; exit 2 ;;
  esac
}
value() { # value FLAG COUNT: fails when the flag's value is missing
  [ "$2" -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
}
duration() { # the old --timeout was in seconds
  case $1 in *[!0-9]*) echo "$1" ;; *) echo "$1s" ;; esac
}
later() { # later COMMAND: for commands that come with another issue
  echo "this needs \`lucid $1\`, which is not built yet; use \`lucid --help\` to see what is" >&2
  exit 2
}
