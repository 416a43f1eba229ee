#!/bin/sh
# Runs the federated server in place of this shell, so that signals and the exit code are Java's.
# JAVA is the command to run (default: java); JAVA_OPTS holds options of the JVM, split at blanks.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
jar=$here/federated-server.jar
[ -e "$jar" ] || jar=$here/target/federated-server.jar
if [ ! -e "$jar" ]; then
  echo "run.sh: there is no federated-server.jar in $here or $here/target; build it with tools/build-java" >&2
  exit 66
fi
# shellcheck disable=SC2086
exec "${JAVA:-java}" ${JAVA_OPTS:-} -jar "$jar" "$@"
