#!/usr/bin/env bash
# The old door to a production deployment: `lucid deploy production` with the flags people know.
exec "$(dirname "${BASH_SOURCE[0]}")/deploy-k8s.sh" deploy "$@"
