#!/usr/bin/env bash
# The old door to a rollback; the work is done by `lucid rollback`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lucid.sh"
usage() {
  cat <<'EOF'
usage: rollback-k8s.sh [options]   the same as: lucid rollback
  --environment NAME   ignored: the release's record knows what was deployed
  --namespace NAME     namespace of the release
  --component NAME     only this component and what depends on it
  --revision N         go back to this revision (to what served before)
  --timeout DURATION   how long the run may take (plain numbers are seconds)
  --log-level LEVEL    debug, info, warn or error
  --dry-run            write nothing; the server tries every change
  --force              the emergency way: delete the workloads and make them again; asks first
  --verbose            say more
  --help               this text
EOF
}
while [ $# -gt 0 ]; do
  case $1 in
    --environment | -e) value "$1" $#; shift 2 ;;
    --namespace | -n) value "$1" $#; args+=(--namespace "$2"); shift 2 ;;
    --component | -c) value "$1" $#; args+=(--component "$2"); shift 2 ;;
    --revision) value "$1" $#; args+=(--to "$2"); shift 2 ;;
    --timeout) value "$1" $#; args+=(--timeout "$(duration "$2")"); shift 2 ;;
    --log-level) value "$1" $#; verbosity "$2"; shift 2 ;;
    --dry-run) args+=(--dry-run=server); shift ;;
    --force) args+=(--emergency); shift ;;
    --verbose | -v) args+=(-v); shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
lucid rollback "${args[@]}"
