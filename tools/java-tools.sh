# Sourced by build-java and test-java: reports a missing tool before Maven fails without it.

java_tools() {
  local java=${JAVA_HOME:+$JAVA_HOME/bin/} version
  if ! command -v "${java}javac" > /dev/null; then
    echo "JDK 17 or later is needed, and ${java}javac was not found;" \
      "install one (Debian: apt-get install openjdk-17-jdk-headless), or set JAVA_HOME" >&2
    return 1
  fi
  version=$("${java}javac" -version 2>&1)
  version=${version#javac }
  if [ "${version%%.*}" -lt 17 ]; then
    echo "JDK 17 or later is needed, and ${java}javac is $version; install a newer one, or set JAVA_HOME" >&2
    return 1
  fi
  if ! command -v mvn > /dev/null; then
    echo "Maven 3.6.3 or later is needed, and mvn is not on PATH; install it (Debian: apt-get install maven)" >&2
    return 1
  fi
}

java_tools
