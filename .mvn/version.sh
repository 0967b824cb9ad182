#!/bin/sh
# version.sh VERSION FILE: writes the version and the git commit to a properties file, unless it says so already.
commit=$(git -C "$(dirname "$0")" rev-parse --short HEAD 2> /dev/null) || commit=unknown
text="version=$1
commit=$commit"
[ -r "$2" ] && [ "$(cat "$2")" = "$text" ] && exit 0
mkdir -p "$(dirname "$2")" && echo "$text" > "$2"
