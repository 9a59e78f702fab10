#!/bin/sh
# Writes a software bill of materials for each environment: CycloneDX 1.5, from the lock file, without development tools.
set -eu
cd "$(dirname "$0")/../.."
UV=$(command -v uv || echo "$PWD/.uv/bin/uv")
mkdir -p var/sbom
for service in assistant actions desk; do
    folder=$service
    [ "$service" = assistant ] && folder=.
    (cd "$folder" && "$UV" export --quiet --locked --no-dev --format cyclonedx1.5) > "var/sbom/$service.cdx.json"
    echo "var/sbom/$service.cdx.json: $(grep -c '"purl"' "var/sbom/$service.cdx.json") packages"
done
