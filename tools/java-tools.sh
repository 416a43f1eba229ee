# Read by build-java and test-java: says what is missing before Maven does in its own words.

java_tools() {
  local java=${JAVA_HOME:+$JAVA_HOME/bin/} version
  if ! command -v "${java}javac" > /dev/null; then
    echo "A JDK of version 17 or later is needed, and there is no ${java}javac;" \
      "install one (Debian: openjdk-17-jdk-headless) or set JAVA_HOME" >&2
    return 1
  fi
  version=$("${java}javac" -version 2>&1)
  version=${version#javac }
  if [ "${version%%.*}" -lt 17 ]; then
    echo "A JDK of version 17 or later is needed, ${java}javac is $version; install one, or set JAVA_HOME" >&2
    return 1
  fi
  if ! command -v mvn > /dev/null; then
    echo "Maven 3.6.3 or later is needed, and mvn is not on PATH; install it (Debian: maven)" >&2
    return 1
  fi
}

java_tools
