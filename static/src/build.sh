#!/bin/sh
# Builds static/dist from static/src, static/vendor and static/icons.
# Needs node and npm for the style sheet, Go for the rest. Run from anywhere:
# the same sources give the same bytes.
set -eu
cd "$(dirname "$0")"
# Not npm ci: it insists on the lines of platforms that a registry may not carry.
[ -d node_modules ] || npm install --no-save --no-audit --no-fund --ignore-scripts
# What is vendored is what the lock file names.
cmp -s node_modules/htmx.org/dist/htmx.min.js ../vendor/htmx.min.js || cp node_modules/htmx.org/dist/htmx.min.js ../vendor/
cmp -s node_modules/htmx.org/dist/ext/hx-sse.min.js ../vendor/hx-sse.min.js || cp node_modules/htmx.org/dist/ext/hx-sse.min.js ../vendor/
mkdir -p ../dist
node_modules/.bin/tailwindcss --input app.css --output ../dist/app.css --minify 2>&1 | grep -v -e '^≈' -e '^Done' -e '^$' || true
cd ../..
go run ./static/build static
