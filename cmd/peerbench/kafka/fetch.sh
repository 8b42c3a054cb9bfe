#!/usr/bin/env bash
# Fetches Apache Kafka with its own tools from Maven Central into a directory, and
# prints the directory's name: what peerbench's option --kafka takes. Needs mvn.
set -euo pipefail
jars=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/brokerlab/kafka-4.1.0}
if ! compgen -G "$jars/kafka-tools-*.jar" >/dev/null; then
    mvn --quiet --batch-mode --file "$(dirname "${BASH_SOURCE[0]}")/pom.xml" \
        dependency:copy-dependencies -DoutputDirectory="$jars" >&2
fi
echo "$jars"
