#!/usr/bin/env bash
# The old door to the health check; the work is done by `lucid health`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lucid.sh"
usage() {
  cat <<'EOF'
usage: health-check-k8s.sh [options]            the same as: lucid health production
  --environment NAME   overlay (production)
  --namespace NAME     namespace of the release
  --component NAME     only this component
  --format FORMAT      text or json
  --timeout DURATION   how long the cluster may take to answer (plain numbers are seconds)
  --log-level LEVEL    debug, info, warn or error
  --verbose            every check, and more on stderr
  --help               this text
EOF
}
format=text verbose=
while [ $# -gt 0 ]; do
  case $1 in
    --environment | -e) value "$1" $#; environment=$2; shift 2 ;;
    --namespace | -n) value "$1" $#; args+=(--namespace "$2"); shift 2 ;;
    --component | -c) value "$1" $#; args+=(--component "$2"); shift 2 ;;
    --format | -f) value "$1" $#; format=$2; shift 2 ;;
    --timeout) value "$1" $#; args+=(--timeout "$(duration "$2")"); shift 2 ;;
    --log-level) value "$1" $#; verbosity "$2"; shift 2 ;;
    --verbose | -v) verbose=1; args+=(-v); shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
if [ -n "$verbose" ] && [ "$format" = text ]; then format=wide; fi
lucid health "$environment" "${args[@]}" --output "$format"
