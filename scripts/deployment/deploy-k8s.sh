#!/usr/bin/env bash
# The old door to a kustomize deployment; the work is done by `lucid deploy`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lucid.sh"
usage() {
  cat <<'EOF'
usage: deploy-k8s.sh [deploy|status|cleanup] [options]   the same as: lucid deploy|status production, lucid cleanup
  --environment NAME   overlay to deploy (production)
  --namespace NAME     namespace of the release
  --component NAME     only this component
  --timeout DURATION   how long the run may take (15m; plain numbers are seconds)
  --log-level LEVEL    debug, info, warn or error
  --dry-run            write nothing; the server tries every change
  --verbose            say more
  --help               this text
EOF
}
verb=deploy
dry_run=
case ${1:-} in
  deploy | status | cleanup) verb=$1; shift ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --environment | -e) value "$1" $#; environment=$2; shift 2 ;;
    --namespace | -n) value "$1" $#; args+=(--namespace "$2"); shift 2 ;;
    --component | -c) value "$1" $#; args+=(--component "$2"); shift 2 ;;
    --timeout) value "$1" $#; args+=(--timeout "$(duration "$2")"); shift 2 ;;
    --log-level) value "$1" $#; verbosity "$2"; shift 2 ;;
    --dry-run) dry_run=1; shift ;;
    --verbose | -v) args+=(-v); shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
case $verb in
  # What is removed is what the record says, whichever overlay it came from.
  cleanup) lucid cleanup "${args[@]}" ${dry_run:+--dry-run} ;;
  status) lucid status "$environment" "${args[@]}" ;;
  *) lucid deploy "$environment" "${args[@]}" ${dry_run:+--dry-run=server} ;;
esac
