# Calls snap for an event of the client, wherever it was installed. Sourced with the event as the only argument, so no second
# shell is started. Whatever happens, the end is a success: a hook must not disturb anybody.
#
# Elsewhere than where cargo has installed it, the short name may be another program's, as snapd's is.
find_snap() {
  command -v claude-snap >/dev/null 2>&1 && { snap=claude-snap; return 0; }
  for folder in "$HOME/.local/bin" "${CARGO_HOME:-$HOME/.cargo}/bin" "${NPM_CONFIG_PREFIX:-$HOME/.npm-global}/bin" "$HOME/.npm/bin" \
    "${NVM_BIN:-$HOME/.nvm/current/bin}" "$HOME"/.nvm/versions/node/*/bin "${VOLTA_HOME:-$HOME/.volta}/bin" \
    "${PNPM_HOME:-$HOME/.local/share/pnpm}" "$HOME/Library/pnpm" "${BUN_INSTALL:-$HOME/.bun}/bin" "$HOME/bin" \
    /opt/homebrew/bin /home/linuxbrew/.linuxbrew/bin /usr/local/bin /opt/local/bin; do
    snap=$folder/claude-snap
    [ -x "$snap" ] && return 0
  done
  snap=${CARGO_HOME:-$HOME/.cargo}/bin/snap
  [ -x "$snap" ] && return 0
  # npm's global folder, as its settings of this user name it: npm itself would take too long to ask.
  if [ -r "$HOME/.npmrc" ]; then
    while read -r line || [ -n "$line" ]; do
      case $line in prefix=/*) snap=${line#prefix=}/bin/claude-snap; [ -x "$snap" ] && return 0 ;; esac
    done <"$HOME/.npmrc"
  fi
  # Another program of that name does not have the long name in it.
  snap=$(command -v snap) && grep -q claude-snap "$snap" 2>/dev/null && return 0
  return 1
}

install='The plugin snap does nothing yet, because the program claude-snap is missing. To install it: npm install -g claude-snap'
if find_snap; then
  # Only the plugin has a hook for the start of a session: to say that the program is missing.
  [ "$1" = SessionStart ] || "$snap" hook "$1" || exit 0
else
  case $1 in
    SessionStart) printf '{"systemMessage":"%s"}\n' "$install" ;;
    UserPromptSubmit)
      case $(cat) in
        *'"prompt":"/snap:snapshot'* | *'"prompt": "/snap:snapshot'*)
          printf '{"decision":"block","reason":"%s"}\n' "$install" ;;
      esac ;;
  esac
fi
exit 0
