# Sourced by faultline, mvnw and the scripts in this directory: finds a JDK 25 or later and exports JAVA_HOME.
# Looks at JAVA_HOME, the java on PATH, then where distributions, SDKMAN and macOS put JDKs.

# Prints the major version of the JDK in directory $1; fails when that is not a JDK.
jdk_major() {
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    while IFS='=' read -r key value; do
        if [ "$key" = JAVA_VERSION ]; then
            value=${value#\"}
            value=${value%\"}
            echo "${value%%[.+-]*}"
            return 0
        fi
    done < "$1/release"
    return 1
}

# True when directory $1 holds a JDK 25 or later.
is_jdk() {
    [ -n "$1" ] && major=$(jdk_major "$1") && [ "$major" -ge 25 ] 2>/dev/null
}

# Exports JAVA_HOME, or prints one line and fails.
find_jdk() {
    is_jdk "${JAVA_HOME:-}" && { export JAVA_HOME; return 0; }
    on_path=$(command -v java 2>/dev/null) && on_path=$(readlink -f "$on_path") \
        && is_jdk "${on_path%/bin/java}" && { export JAVA_HOME="${on_path%/bin/java}"; return 0; }
    for candidate in /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* /opt/*jdk* /opt/java/* \
            /usr/local/*jdk* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        is_jdk "$candidate" && { export JAVA_HOME="$candidate"; return 0; }
    done
    echo "faultline: no JDK 25 or later in JAVA_HOME, PATH or /usr/lib/jvm: install one (Debian 13: openjdk-25-jdk;" \
        "Fedora: java-25-openjdk-devel; any: https://adoptium.net) or set JAVA_HOME" >&2
    return 1
}
