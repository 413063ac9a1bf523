#!/usr/bin/env bash
# The old door to a rollback; `lucid rollback` comes with its own issue.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lucid.sh"
usage() {
  cat <<'EOF'
usage: rollback-k8s.sh [options]
  --environment NAME   overlay (production)
  --namespace NAME     namespace of the release
  --component NAME     only this component
  --revision N         go back to this revision
  --dry-run            write nothing
  --force              the emergency way: delete and recreate
  --help               this text
EOF
}
while [ $# -gt 0 ]; do
  case $1 in
    --environment | -e | --namespace | -n | --component | -c | --revision | --timeout | --log-level) value "$1" $#; shift 2 ;;
    --dry-run | --force | --verbose | -v) shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
later rollback
